import BinaryCache
import Fleet
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import NixFormats

extension OperatorRoutes {
  func closureRoutes(_ group: RouterGroup<BasicRequestContext>) {
    group.get { _, _ in
      let users = try await fleet.closureUsers()
      return try answer(
        cache.closures().map { summary in
          let root = summary.root.description
          return ClosureRow(
            root: root, paths: summary.pathCount, narSize: summary.narSize, fileSize: summary.fileSize,
            usedBy: users[root] ?? [])
        })
    }
    group.post { request, context in
      let order = try await body(ImportClosure.self, of: request)
      let roots = try order.roots.map { try StorePath(absolute: $0) }
      let keys = try order.trustedKeys.map { try NixPublicKey($0) }
      return Response(
        status: .ok, headers: [.contentType: "application/x-ndjson"],
        body: ResponseBody { writer in
          let (lines, continuation) = AsyncStream.makeStream(of: ImportLine.self, bufferingPolicy: .bufferingNewest(16))
          async let done: Void = runImport(order, roots: roots, keys: keys, into: continuation)
          for await line in lines {
            try await writer.write(ByteBuffer(bytes: OperatorJSON.encode(line) + Data("\n".utf8)))
          }
          await done
          try await writer.finish(nil)
        })
    }
    group.get(":name") { _, context in
      let root = try StorePath(baseName: context.name)
      let paths = try cache.closure(of: root)
      return try answer(
        ClosureContent(
          root: root.description, publicKey: cache.publicKey.description,
          paths: paths.map {
            .init(path: $0.storePath.description, narSize: $0.narSize, references: $0.references.count)
          }))
    }
    group.delete(":name") { _, context in
      let root = try StorePath(baseName: context.name)
      try await fleet.forgetClosure(root.description)
      return Response(status: .noContent)
    }
    group.post("gc") { _, _ in
      // What a node says that it runs may be any text; the cache holds nothing for one that is no store path.
      let roots = try await fleet.closureRoots().compactMap { try? StorePath(absolute: $0) }
      let report = try await cache.collectGarbage(keeping: Set(roots))
      return try answer(GarbageAnswer(removedPaths: report.paths.count, freedBytes: report.bytes))
    }
  }

  private func runImport(
    _ order: ImportClosure, roots: [StorePath], keys: [NixPublicKey],
    into lines: AsyncStream<ImportLine>.Continuation
  ) async {
    var last = ImportLine()
    do {
      let report = try await cache.importCache(
        at: order.directory, roots: roots.isEmpty ? nil : roots, trustedKeys: keys.isEmpty ? nil : keys,
        progress: { progress in
          var line = ImportLine()
          line.pathsDone = progress.pathsDone
          line.pathsTotal = progress.pathsTotal
          line.bytesDone = progress.bytesDone
          line.bytesTotal = progress.bytesTotal
          lines.yield(line)
        })
      let imported = report.roots.map(\.description)
      try await fleet.rememberClosures(imported)
      last.roots = imported
    } catch {
      last.error = String(describing: error)
    }
    lines.yield(last)
    lines.finish()
  }
}
