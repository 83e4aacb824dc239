/// Who prevails when a delete and a write have not seen each other.
public enum DeletePolicy: String, Sendable, Hashable, CaseIterable {
    case updateWins = "update-wins"
    case deleteWins = "delete-wins"
}
