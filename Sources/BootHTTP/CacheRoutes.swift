import BinaryCache
import Fleet
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore

extension BootServer {
  /// The Nix binary cache protocol below `/cache`. Reading is open, as everything in it is signed; writing needs a token.
  func cacheRoutes(_ router: Router<BootRequestContext>) {
    for method in [HTTPRequest.Method.get, .head] {
      router.on("cache/**", method: method) { request, context in
        guard let resource = CacheResource(path: context.parameters.getCatchAll().joined(separator: "/")),
          let content = try refusal({ () throws(CacheError) in try cache.content(of: resource) })
        else { throw HTTPError(.notFound) }
        switch content {
        case .bytes(let bytes, let contentType):
          let headers: HTTPFields = [.contentType: contentType, .contentLength: String(bytes.count)]
          if request.method == .head { return Response(status: .ok, headers: headers) }
          return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
        case .file(let path, _, let contentType):
          let name = path.split(separator: "/").last.map(String.init) ?? ""
          return try await fileResponse(
            ServedFile(path: path, contentType: contentType, entityTag: name), to: request, context: context)
        }
      }
    }
    router.put("cache/**") { request, context in
      guard try await mayPush(request) else {
        return Response(
          status: .unauthorized, headers: [.wwwAuthenticate: "Basic realm=\"bootstead cache\""],
          body: ResponseBody(byteBuffer: ByteBuffer(string: "a token is needed: bootstead closure token\n")))
      }
      let path = context.parameters.getCatchAll().joined(separator: "/")
      switch CacheResource(path: path) {
      case .cacheInfo:
        for try await _ in request.body {}
        return Response(status: .ok)
      case .narInfo(let hashPart):
        let body = try await request.body.collect(upTo: 1 << 20)
        do {
          try await cache.acceptNarInfo(hashPart: hashPart, body: Array(body.readableBytesView))
        } catch let error as CacheError { throw httpError(error) }
        return Response(status: .created)
      case .nar(let name):
        var upload = try refusal { () throws(CacheError) in try cache.beginUpload(name) }
        for try await chunk in request.body {
          try chunk.withUnsafeReadableBytes { bytes in
            try refusal { () throws(CacheError) in try upload.write(bytes) }
          }
        }
        do { try upload.finish() } catch let error as CacheError { throw httpError(error) }
        return Response(status: .created)
      case nil:
        throw HTTPError(.forbidden, message: "only nar and narinfo files are taken")
      }
    }
  }

  /// `nix copy` sends credentials as Basic authentication out of its netrc file; other clients may send a bearer token.
  private func mayPush(_ request: Request) async throws -> Bool {
    guard let header = request.headers[.authorization] else { return false }
    let token: String
    if header.hasPrefix("Bearer ") {
      token = String(header.dropFirst(7))
    } else if header.hasPrefix("Basic "), let data = Data(base64Encoded: String(header.dropFirst(6))) {
      token = String(decoding: data, as: UTF8.self).split(separator: ":", maxSplits: 1).last.map(String.init) ?? ""
    } else {
      return false
    }
    return try await fleet.accepts(token: token, purpose: "cache")
  }

  private func refusal<Value: ~Copyable>(_ body: () throws(CacheError) -> Value) throws -> Value {
    do throws(CacheError) { return try body() } catch { throw httpError(error) }
  }

  private func httpError(_ error: CacheError) -> HTTPError {
    let status: HTTPResponse.Status =
      switch error.reason {
      case .refused: .unprocessableContent
      case .missing: .notFound
      case .full: .init(code: 507)
      case .busy: .conflict
      case .tooLarge: .contentTooLarge
      case .failed: .internalServerError
      }
    return HTTPError(status, message: String(describing: error))
  }
}
