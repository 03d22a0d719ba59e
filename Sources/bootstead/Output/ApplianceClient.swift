import ArgumentParser
import Fleet
import Foundation
import HTTPConnection
import OperatorAPI

/// Asks the running appliance over its Unix socket.
struct ApplianceClient: Sendable {
  let socketPath: String
  private let client: HTTPClient

  init(socketPath: String) {
    self.socketPath = socketPath
    var limits = HTTPClientLimits()
    limits.idleTimeout = .seconds(3600)
    client = HTTPClient(endpoint: .unixSocket(path: socketPath), limits: limits)
  }

  func get<Answer: Decodable>(_ path: String, as type: Answer.Type = Answer.self) async throws -> Answer {
    try decode(await send("GET", path, body: nil))
  }

  func send<Answer: Decodable>(
    _ method: String, _ path: String, _ body: some Encodable, as type: Answer.Type = Answer.self
  ) async throws -> Answer {
    try decode(await send(method, path, body: OperatorJSON.encode(body)))
  }

  private func decode<Answer: Decodable>(_ data: Data) throws -> Answer {
    do { return try OperatorJSON.decode(Answer.self, from: data) } catch {
      throw CommandFailure.failed(
        "the appliance's answer is not the one that was asked for: is a name empty, or is it of another version?")
    }
  }

  /// A file as it is.
  func bytes(_ path: String) async throws -> [UInt8] { [UInt8](try await send("GET", path, body: nil)) }

  /// A request whose answer has no content.
  func perform(_ method: String, _ path: String, body: Data? = nil) async throws {
    _ = try await send(method, path, body: body)
  }

  private func send(_ method: String, _ path: String, body: Data?) async throws -> Data {
    var request = ClientRequest(path: path)
    request.method = method
    if let body { request.body = .bytes(Array(body)) }
    let response: CollectedResponse
    do {
      response = try await client.collect(request, limit: 64 << 20)
    } catch {
      throw CommandFailure.unreachable(socketPath, "\(error)")
    }
    let data = Data(response.body)
    guard response.status < 400 else { throw CommandFailure.refused(status: response.status, data) }
    return data
  }

  /// A request that is answered line by line.
  func lines<Line: Decodable>(
    _ path: String, _ body: some Encodable, as type: Line.Type, each: (Line) throws -> Void
  ) async throws {
    var request = ClientRequest(path: path)
    request.method = "POST"
    request.body = .bytes(Array(try OperatorJSON.encode(body)))
    let response: ClientResponse
    do {
      response = try await client.send(request)
    } catch {
      throw CommandFailure.unreachable(socketPath, "\(error)")
    }
    var pending: [UInt8] = []
    for try await chunk in response.body {
      pending += chunk
      guard response.status < 400 else { continue }
      while let end = pending.firstIndex(of: UInt8(ascii: "\n")) {
        try each(OperatorJSON.decode(Line.self, from: Data(pending[..<end])))
        pending.removeSubrange(...end)
      }
    }
    if response.status >= 400 { throw CommandFailure.refused(status: response.status, Data(pending)) }
  }
}

/// Why a command ends without success.
enum CommandFailure: Error, CustomStringConvertible {
  case unreachable(String, String)
  case refused(status: Int, Data)
  case failed(String)

  var description: String {
    switch self {
    case .unreachable(let path, let reason):
      """
      the appliance does not answer at \(path) (\(reason)).
      Start it with 'bootstead serve --interface NAME', or name its socket with --socket.
      """
    case .refused(let status, let data):
      (try? OperatorJSON.decode(ErrorAnswer.self, from: data).error) ?? "the appliance answered with status \(status)"
    case .failed(let reason): reason
    }
  }

  var exitCode: ExitCode {
    switch self {
    case .unreachable: ExitCode(3)
    case .refused(404, _): ExitCode(4)
    case .refused, .failed: ExitCode(1)
    }
  }
}

/// Runs a command's work; a failure goes to stderr as one message, and into the exit code.
func reportingFailures(_ work: () async throws -> Void) async throws {
  do {
    try await work()
  } catch let failure as CommandFailure {
    printError(failure.description)
    throw failure.exitCode
  } catch let code as ExitCode {
    throw code
  } catch let error as ValidationError {
    throw error
  } catch FleetError.notFound(let kind, let name) {
    printError("\(FleetError.notFound(kind: kind, name: name))")
    throw ExitCode(4)
  } catch {
    printError("\(error)")
    throw ExitCode(1)
  }
}

func printError(_ text: String) {
  FileHandle.standardError.write(Data("bootstead: \(text)\n".utf8))
}
