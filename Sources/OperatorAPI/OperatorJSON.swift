import BinaryCache
import Fleet
import Foundation
import HTTPTypes
import Hummingbird
import Images
import Logging
import NIOCore
import NetworkAddress
import NixFormats

/// JSON as the API writes and reads it: ISO 8601 dates, sorted keys.
public enum OperatorJSON {
  public static func encode(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.dateEncodingStrategy = .iso8601
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return try encoder.encode(value)
  }

  public static func decode<Value: Decodable>(_ type: Value.Type, from data: Data) throws -> Value {
    let decoder = JSONDecoder()
    decoder.dateDecodingStrategy = .iso8601
    return try decoder.decode(type, from: data)
  }
}

func answer(_ value: some Encodable, status: HTTPResponse.Status = .ok) throws -> Response {
  let data = try OperatorJSON.encode(value)
  return Response(
    status: status, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: ByteBuffer(bytes: data))
  )
}

func body<Value: Decodable>(_ type: Value.Type, of request: Request) async throws -> Value {
  let buffer = try await request.body.collect(upTo: 4 << 20)
  return try OperatorJSON.decode(type, from: Data(buffer.readableBytesView))
}

/// Turns every refusal into its status and one sentence.
struct ErrorMiddleware<Context: RequestContext>: RouterMiddleware {
  func handle(_ request: Request, context: Context, next: (Request, Context) async throws -> Response) async throws
    -> Response
  {
    do {
      return try await next(request, context)
    } catch let error as HTTPError {
      throw error
    } catch {
      let (status, text) = describe(error)
      if status == .internalServerError { context.logger.error("\(request.method) \(request.uri.path): \(text)") }
      return try answer(ErrorAnswer(error: text), status: status)
    }
  }

  private func describe(_ error: any Error) -> (HTTPResponse.Status, String) {
    switch error {
    case let error as FleetError:
      switch error {
      case .noSuchMachine, .notFound: (.notFound, error.description)
      case .database: (.internalServerError, error.description)
      case .nameTaken, .addressTaken, .transition, .conflict, .codeMismatch, .noClaim: (.conflict, error.description)
      default: (.badRequest, error.description)
      }
    case let error as CacheError:
      (error.reason == .missing ? .notFound : .unprocessableContent, String(describing: error))
    case let error as NixFormatError: (.badRequest, error.description)
    case let error as ImageError: (.badRequest, error.description)
    case let error as AddressError: (.badRequest, error.description)
    case let error as DecodingError: (.badRequest, "the request's JSON does not fit: \(reason(of: error))")
    default: (.internalServerError, String(describing: error))
    }
  }

  private func reason(of error: DecodingError) -> String {
    switch error {
    case .keyNotFound(let key, _): "'\(key.stringValue)' is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      "\(context.codingPath.map(\.stringValue).joined(separator: ".")): \(context.underlyingError.map { "\($0)" } ?? context.debugDescription)"
    @unknown default: "\(error)"
    }
  }
}
