import Causality

/// What the diagram shows, in words: for every two sides, which had seen the other.
struct DiagramWords {
    let sentences: [Sentence]

    /// How many pairs are told one by one at most.
    private static let maximumPairs = 15

    init(_ events: [RecordEvent]) {
        let sides = events.filter { $0.side != nil }.sorted { ($0.side ?? 0) < ($1.side ?? 0) }
        var sentences: [Sentence] = []
        for (index, left) in sides.enumerated() {
            for right in sides[(index + 1)...] {
                sentences.append(Self.sentence(left, right))
                if sentences.count == Self.maximumPairs {
                    sentences.append("And so on for the other pairs of \(sides.count) sides.")
                    self.sentences = sentences
                    return
                }
            }
        }
        self.sentences = sentences
    }

    private static func sentence(_ left: RecordEvent, _ right: RecordEvent) -> Sentence {
        let leftKnows = left.context.contains(right.dot)
        let rightKnows = right.context.contains(left.dot)
        return switch (leftKnows, rightKnows) {
        case (false, false):
            """
            \(name(left)) and \(name(right)) happened concurrently: \(letter(left)) had not seen \(letter(right)), as its clock \
            \(knowledge(left, of: right)), and \(letter(right)) had not seen \(letter(left)), as its clock \
            \(knowledge(right, of: left)).
            """
        case (true, false): "\(name(left)) had seen \(name(right)): its clock \(knowledge(left, of: right))."
        case (false, true): "\(name(right)) had seen \(name(left)): its clock \(knowledge(right, of: left))."
        case (true, true): "\(name(left)) and \(name(right)) each claim to have seen the other, which cannot be."
        }
    }

    private static func letter(_ event: RecordEvent) -> Sentence {
        "\(words: Words.letter(event.side ?? 0))"
    }

    private static func name(_ event: RecordEvent) -> Sentence {
        "\(letter(event)) (event \(event.dot.counter) on \(name: event.dot.device.name.text))"
    }

    private static func knowledge(_ event: RecordEvent, of other: RecordEvent) -> Sentence {
        let counter = event.context[other.dot.device]
        return counter == 0
            ? "has nothing of \(name: other.dot.device.name.text)"
            : "has \(name: other.dot.device.name.text) at \(counter)"
    }
}
