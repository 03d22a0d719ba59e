/// How often repositories are looked at for damage.
public enum CheckSchedule: String, Sendable, Hashable, Decodable {
  case daily, weekly, monthly

  var seconds: Double {
    switch self {
    case .daily: 86400
    case .weekly: 7 * 86400
    case .monthly: 30 * 86400
    }
  }
}
