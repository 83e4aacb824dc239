/// What the page calls things. Names that are not known here are shown as they are.
enum Words {
    static let recordUnit = "$record"

    static func status(_ status: PageStatus) -> String {
        switch status {
        case .open: "waits for a decision"
        case .automatic: "a policy decided"
        case .resolved: "resolved"
        case .superseded: "superseded"
        }
    }

    static func statusShort(_ status: PageStatus) -> String {
        switch status {
        case .open: "Open"
        case .automatic: "Automatic"
        case .resolved: "Resolved"
        case .superseded: "Superseded"
        }
    }

    static func kind(_ kind: PageKind) -> String {
        switch kind {
        case .writeWrite: "concurrent edits"
        case .deleteWrite: "delete and edit"
        case .stale: "late edit"
        }
    }

    static let policies = [
        "lww", "fww", "manual", "immutable", "max", "min", "counter", "set", "update-wins", "delete-wins",
    ]

    static func policy(_ policy: String) -> String {
        switch policy {
        case "lww": "the later edit shows"
        case "fww": "the earlier edit shows"
        case "manual": "a person decides"
        case "immutable": "the first value stays"
        case "max": "the greater value stays"
        case "min": "the smaller value stays"
        case "counter": "everything is counted"
        case "set": "additions and removals are joined"
        case "update-wins", "update_wins": "the edit outlives the delete"
        case "delete-wins", "delete_wins": "the delete prevails"
        default: policy
        }
    }

    static func event(_ kind: RecordEvent.Kind) -> String {
        switch kind {
        case .create: "create"
        case .update: "update"
        case .delete: "delete"
        case .restore: "restore"
        }
    }

    /// A, B, …, Z, AA, …: what the page calls the sides, on their cards and in the diagram.
    static func letter(_ side: Int) -> String {
        var text = ""
        var rest = side
        repeat {
            text = String(UnicodeScalar(UInt8(ascii: "A") + UInt8(rest % 26))) + text
            rest = rest / 26 - 1
        } while rest >= 0
        return text
    }
}
