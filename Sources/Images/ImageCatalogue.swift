import Foundation
import Synchronization

/// Boot images and loaders by name. The records live in memory, so that boot services answer without touching a disk;
/// whoever changes them stores them first.
public final class ImageCatalogue: Sendable {
  /// A loader with its bytes: small enough (a few hundred KB) to be kept.
  public struct LoadedLoader: Sendable {
    public let record: StoredLoader
    public let bytes: [UInt8]
  }

  private struct Content {
    var images: [ImageName: BootImage] = [:]
    var loaders: [ImageName: LoadedLoader] = [:]
  }

  public let store: BlobStore
  private let content = Mutex(Content())

  public init(store: BlobStore) { self.store = store }

  public var images: [BootImage] { content.withLock { $0.images.values.sorted { $0.name.text < $1.name.text } } }
  public var loaders: [LoadedLoader] {
    content.withLock { $0.loaders.values.sorted { $0.record.name.text < $1.record.name.text } }
  }

  public func image(named name: String) -> BootImage? {
    guard let name = try? ImageName(name) else { return nil }
    return content.withLock { $0.images[name] }
  }

  public func loader(named name: String) -> LoadedLoader? {
    guard let name = try? ImageName(name) else { return nil }
    return content.withLock { $0.loaders[name] }
  }

  public func put(_ image: BootImage) { content.withLock { $0.images[image.name] = image } }

  /// Reads the loader's bytes and checks them against its digest.
  public func put(_ loader: StoredLoader) throws(ImageError) {
    let loaded = LoadedLoader(record: loader, bytes: try store.bytes(of: loader.blob))
    content.withLock { $0.loaders[loader.name] = loaded }
  }

  /// - Returns: false when there is none of that name.
  public func removeImage(named name: ImageName) -> Bool {
    content.withLock { $0.images.removeValue(forKey: name) != nil }
  }

  /// - Returns: false when there is none of that name.
  public func removeLoader(named name: ImageName) -> Bool {
    content.withLock { $0.loaders.removeValue(forKey: name) != nil }
  }
}
