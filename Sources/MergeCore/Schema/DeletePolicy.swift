/// Who prevails when a delete and a write have not seen each other.
public enum DeletePolicy: String, Sendable, Hashable, CaseIterable {
    /// The write. The record stays, or comes back (rule D1).
    case updateWins = "update-wins"
    /// The delete. The record is hidden, and the write is a side of a conflict (rule D2).
    case deleteWins = "delete-wins"
}
