import SyncWire

/// Where the next page of a listing begins, opaque to clients. A token names a row of the caller's own tenant and
/// nothing else. So a made-up one shows nothing that the caller may not see.
enum PageToken {
    static func text(_ position: Int64, kind: Character) -> String { "\(kind)\(position)" }

    static func read(_ text: String?, kind: Character) throws(Problem) -> Int64? {
        guard let text else { return nil }
        guard text.first == kind, let position = Int64(text.dropFirst()), position >= 0 else {
            throw Problem(
                .cursorInvalid, "This is no 'page' of this listing. Begin with its first one, without 'page'.")
        }
        return position
    }
}

/// Where the next page of a record's history begins: in its operations and in its conflicts.
struct HistoryToken: Sendable, Hashable {
    var operation: Int64?
    var conflict: Int64?

    init(_ text: String?) throws(Problem) {
        guard let text else { return }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else {
            throw Problem(
                .cursorInvalid, "This is no 'page' of this listing. Begin with its first one, without 'page'.")
        }
        operation = try PageToken.read(parts[0], kind: "o")
        conflict = try PageToken.read(parts[1], kind: "c")
    }

    var text: String {
        PageToken.text(operation ?? .max, kind: "o") + "." + PageToken.text(conflict ?? .max, kind: "c")
    }
}
