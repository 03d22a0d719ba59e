import BootDecision
import Foundation
import GRDB
import Images
import NetworkAddress

extension Fleet {
  /// The machine's events after the row `after`, oldest first, at most 500.
  public func events(of name: String, after: Int64 = 0) async throws -> [FleetEvent] {
    try await database.read { database in
      let machine = try find(name, in: database)
      return try FleetEvent.filter(sql: "machine = ? AND id > ?", arguments: [machine.id, after])
        .order(sql: "id").limit(500).fetchAll(database)
    }
  }

  // MARK: Decisions

  /// A decision of a boot service, as stored.
  public struct StoredDecision: Codable, Sendable, FetchableRecord {
    public var at: Date
    public var mac: String
    /// JSON.
    public var decision: String

    public init(at: Date, mac: MACAddress, decision: String) {
      (self.at, self.mac, self.decision) = (at, mac.description, decision)
    }
  }

  /// Stores decisions of known machines; those of strangers are only logged, so that a flood of addresses fills nothing.
  public func store(_ decisions: [StoredDecision]) async throws {
    try await database.write { database in
      for decision in decisions {
        try database.execute(
          sql: """
            INSERT INTO decision (mac, at, decision) SELECT ?, ?, ?
              WHERE EXISTS (SELECT 1 FROM nic WHERE mac = ?)
            """, arguments: [decision.mac, decision.at, decision.decision, decision.mac])
      }
      for mac in Set(decisions.map(\.mac)) {
        try database.execute(
          sql: """
            DELETE FROM decision WHERE mac = ? AND id NOT IN
              (SELECT id FROM decision WHERE mac = ? ORDER BY id DESC LIMIT 100)
            """, arguments: [mac, mac])
      }
    }
  }

  /// Newest first.
  public func decisions(of name: String, limit: Int) async throws -> [StoredDecision] {
    try await database.read { database in
      let machine = try find(name, in: database)
      return try StoredDecision.fetchAll(
        database,
        sql: """
          SELECT at, decision.mac AS mac, decision FROM decision JOIN nic ON nic.mac = decision.mac
            WHERE nic.machine = ? ORDER BY decision.id DESC LIMIT ?
          """, arguments: [machine.id, limit])
    }
  }

  // MARK: Settings

  public func enrolment() async throws -> Enrolment {
    try await setting("enrolment").flatMap { Enrolment(rawValue: $0) } ?? .closed
  }

  public func setEnrolment(_ enrolment: Enrolment) async throws {
    try await database.write { database in
      try database.execute(
        sql: "INSERT OR REPLACE INTO setting (name, value) VALUES ('enrolment', ?)", arguments: [enrolment.rawValue])
      var event = FleetEvent(
        machine: nil, at: now(), kind: "setting", state: nil, text: "enrolment set to \(enrolment.rawValue)",
        detail: nil)
      try event.insert(database)
    }
  }

  private func setting(_ name: String) async throws -> String? {
    try await database.read { database in
      try String.fetchOne(database, sql: "SELECT value FROM setting WHERE name = ?", arguments: [name])
    }
  }

  // MARK: Images, loaders, closures

  public func images() async throws -> [BootImage] { try await records("image") }
  public func loaders() async throws -> [StoredLoader] { try await records("loader") }

  public func store(_ image: BootImage) async throws { try await store(image, named: image.name, in: "image") }
  public func store(_ loader: StoredLoader) async throws { try await store(loader, named: loader.name, in: "loader") }

  public func removeImage(_ name: ImageName) async throws {
    try await database.write { database in
      if let user = try String.fetchOne(
        database, sql: "SELECT name FROM machine WHERE image = ?", arguments: [name.text])
      {
        throw FleetError.conflict("the image '\(name)' is set for '\(user)': set another one first")
      }
      try database.execute(sql: "DELETE FROM image WHERE name = ?", arguments: [name.text])
    }
  }

  public func removeLoader(_ name: ImageName) async throws {
    try await database.write { database in
      try database.execute(sql: "DELETE FROM loader WHERE name = ?", arguments: [name.text])
    }
  }

  private func records<Record: Decodable & Sendable>(_ table: String) async throws -> [Record] {
    try await database.read { database in
      try String.fetchAll(database, sql: "SELECT record FROM \(table) ORDER BY name").map { text in
        try JSONDecoder().decode(Record.self, from: Data(text.utf8))
      }
    }
  }

  private func store(_ record: some Encodable & Sendable, named name: ImageName, in table: String) async throws {
    let text = String(decoding: try JSONEncoder().encode(record), as: UTF8.self)
    try await database.write { database in
      try database.execute(
        sql: "INSERT OR REPLACE INTO \(table) (name, record) VALUES (?, ?)", arguments: [name.text, text])
    }
  }

  /// Closures that garbage collection keeps: what was imported and what machines are set to.
  public func closureRoots() async throws -> [String] {
    try await database.read { database in
      try String.fetchAll(
        database,
        sql: """
          SELECT path FROM closure UNION SELECT closure FROM machine WHERE closure IS NOT NULL
            UNION SELECT runningClosure FROM machine WHERE runningClosure IS NOT NULL
            UNION SELECT value FROM setting WHERE name = 'golden' AND value <> ''
            UNION SELECT closure FROM rollout WHERE endedAt IS NULL
            UNION SELECT previous FROM rollout JOIN machine ON machine.id = rollout.machine
              WHERE rollout.closure = runningClosure AND result = 'succeeded' AND previous IS NOT NULL
          """)
    }
  }

  /// The names of the machines that are set to each closure.
  public func closureUsers() async throws -> [String: [String]] {
    try await database.read { database in
      let rows = try Row.fetchAll(
        database, sql: "SELECT name, closure FROM machine WHERE closure IS NOT NULL ORDER BY name")
      return Dictionary(grouping: rows) { row in row["closure"] as String }.mapValues { $0.map { $0["name"] } }
    }
  }

  public func rememberClosures(_ roots: [String]) async throws {
    try await database.write { database in
      for root in roots {
        try database.execute(
          sql: "INSERT OR REPLACE INTO closure (path, addedAt) VALUES (?, ?)", arguments: [root, now()])
      }
    }
  }

  /// Stops keeping a closure; garbage collection removes it.
  /// - Throws: ``FleetError/conflict(_:)`` while a machine is set to it.
  public func forgetClosure(_ root: String) async throws {
    let known = try await database.write { database in
      if let user = try String.fetchOne(database, sql: "SELECT name FROM machine WHERE closure = ?", arguments: [root])
      {
        throw FleetError.conflict("\(root) is the closure of '\(user)': set another one first")
      }
      if try goldenClosure(in: database) == root {
        throw FleetError.conflict("\(root) is the golden system: bootstead fleet golden STORE_PATH sets another one")
      }
      try database.execute(sql: "DELETE FROM closure WHERE path = ?", arguments: [root])
      return database.changesCount > 0
    }
    guard known else { throw FleetError.notFound(kind: "closure", name: root) }
  }
}
