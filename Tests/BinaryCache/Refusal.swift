import BinaryCache

/// What the cache says to something that it must not do; nil where it does it.
func refusal(_ body: () async throws -> Void) async -> CacheError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? CacheError
  }
}
