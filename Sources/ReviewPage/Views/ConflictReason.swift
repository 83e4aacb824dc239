/// Why a conflict exists and what became of it, in a plain sentence.
struct ConflictReason {
    let sentence: Sentence

    init(_ page: ConflictPage) {
        sentence = "\(Self.cause(page)) \(words: Self.standing(page))"
    }

    private static func cause(_ page: ConflictPage) -> Sentence {
        let unit = page.conflict.unit
        switch page.conflict.kind {
        case .writeWrite:
            // A later write had seen the sides that were replaced. Where nearly all were, the page tells how it began.
            let left = page.sides.filter { $0.standing != .dropped }
            let apart = left.count < 2 ? page.sides : left
            return apart.count == 2
                ? "\(people(apart)) changed \(unit: unit) without having seen each other’s change."
                : "\(people(apart)) changed \(unit: unit), and of these changes none had seen the others."
        case .deleteWrite:
            let deleting = page.sides.filter { $0.value == nil }
            let writing = page.sides.filter { $0.value != nil }
            guard !deleting.isEmpty, !writing.isEmpty else {
                return "\(people(page.sides)) wrote and deleted the record without having seen each other’s doing."
            }
            return
                "\(people(deleting)) deleted the record while \(people(writing)) changed it; neither had seen the other."
        case .stale:
            return
                "A change to \(unit: unit) arrived under a number that its device had used before, so the record did not take it."
        }
    }

    private static func standing(_ page: ConflictPage) -> String {
        switch page.conflict.status {
        case .open: "The later edit shows until somebody decides."
        case .automatic:
            page.conflict.kind == .stale
                ? "What the record held shows." : "By the collection’s policy, \(Words.policy(page.conflict.policy))."
        case .resolved: "A reviewer has decided."
        case .superseded: "A later edit, which had seen every side, has replaced them."
        }
    }

    /// "Ana’s ipad and Ben’s mac"; where there are many, only the first.
    private static func people(_ sides: [ConflictPage.Side]) -> Sentence {
        let named = sides.prefix(4).map { side -> Sentence in "\(name: side.user)’s \(name: side.device)" }
        var pieces: [Sentence.Piece] = []
        for (index, name) in named.enumerated() {
            if index > 0 {
                let isLast = index == named.count - 1 && sides.count == named.count
                pieces.append(.words(isLast ? " and " : ", "))
            }
            pieces += name.pieces
        }
        if sides.count > named.count { pieces.append(.words(" and \(sides.count - named.count) more")) }
        return Sentence(pieces: pieces)
    }
}
