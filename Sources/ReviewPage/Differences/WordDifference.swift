import Causality

/// Where two texts differ, word by word.
///
/// The difference is the shortest script of Myers ("An O(ND) Difference Algorithm and Its Variations", 1986), between
/// the common beginning and the common end. It is bounded: texts that are longer, or differ more, than the bounds
/// differ in all that lies between beginning and end.
struct WordDifference {
    enum Kind: Hashable {
        case same
        case removed
        case inserted
    }

    struct Piece: Hashable {
        let kind: Kind
        let text: String
    }

    /// All of both texts. The same and the removed pieces make the old one, the same and the inserted ones the new.
    let pieces: [Piece]

    struct Bounds {
        /// The bytes of each text between beginning and end. What is longer is not taken apart into words.
        var maximumBytes = 300_000
        /// The words of each text between beginning and end.
        var maximumWords = 20_000
        /// The words removed and inserted. Time grows with the words times this, memory with its square.
        var maximumDifferences = 400

        init(maximumBytes: Int = 300_000, maximumWords: Int = 20_000, maximumDifferences: Int = 400) {
            self.maximumBytes = maximumBytes
            self.maximumWords = maximumWords
            self.maximumDifferences = maximumDifferences
        }

        /// Bounds the work by what is shown of the texts.
        init(within allowance: Allowance) {
            maximumBytes = 8 * allowance.perValue
            maximumWords = 2 * allowance.perValue
            maximumDifferences = min(400, max(40, allowance.perValue / 10))
        }
    }

    /// Compares two texts. At most O((n + m) · d); O(n + m) beyond the bounds.
    init(from old: String, to new: String, bounds: Bounds = Bounds()) {
        let ends = MatchingEnds(old, new, maximumBytes: bounds.maximumBytes)
        var steps = [Step(kind: .same, word: ExactString(ends.head))]
        if ends.isSmall {
            steps += Self.steps(Self.words(ends.left), Self.words(ends.right), bounds)
        } else {
            steps.append(Step(kind: .removed, word: ExactString(ends.left)))
            steps.append(Step(kind: .inserted, word: ExactString(ends.right)))
        }
        steps.append(Step(kind: .same, word: ExactString(ends.tail)))
        steps.removeAll { $0.word.text.isEmpty }
        Self.slide(&steps)
        pieces = Self.pieces(of: steps)
    }

    private static func steps(_ left: [ExactString], _ right: [ExactString], _ bounds: Bounds) -> [Step] {
        var head = 0
        while head < left.count, head < right.count, left[head] == right[head] { head += 1 }
        var tail = 0
        while tail < left.count - head, tail < right.count - head,
            left[left.count - 1 - tail] == right[right.count - 1 - tail]
        { tail += 1 }
        let middleLeft = left[head..<left.count - tail]
        let middleRight = right[head..<right.count - tail]

        var steps = left[..<head].map { Step(kind: .same, word: $0) }
        let isBounded = max(middleLeft.count, middleRight.count) <= bounds.maximumWords
        if isBounded, let script = Self.script(Array(middleLeft), Array(middleRight), bounds.maximumDifferences) {
            steps += script
        } else {
            steps += middleLeft.map { Step(kind: .removed, word: $0) }
            steps += middleRight.map { Step(kind: .inserted, word: $0) }
        }
        return steps + left[(left.count - tail)...].map { Step(kind: .same, word: $0) }
    }

    /// The new text, with what is not in the old one marked.
    var marked: MarkedText {
        MarkedText(
            pieces: pieces.filter { $0.kind != .removed }.map {
                MarkedText.Piece(text: $0.text, isMarked: $0.kind == .inserted)
            })
    }

    // MARK: Words

    private enum Class {
        case letters
        case space
        case sign
    }

    /// Takes a text apart: into runs of letters and digits, runs of white space, and every other scalar by itself.
    static func words(_ text: String) -> [ExactString] {
        var words: [ExactString] = []
        var word = String.UnicodeScalarView()
        var last: Class?
        for scalar in text.unicodeScalars {
            let kind = classify(scalar)
            if !word.isEmpty, kind != last || kind == .sign {
                words.append(ExactString(String(word)))
                word = String.UnicodeScalarView()
            }
            word.append(scalar)
            last = kind
        }
        if !word.isEmpty { words.append(ExactString(String(word))) }
        return words
    }

    private static func classify(_ scalar: Unicode.Scalar) -> Class {
        if scalar.properties.isWhitespace { return .space }
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .decimalNumber, .letterNumber,
            .nonspacingMark, .spacingMark, .enclosingMark:
            return .letters
        // Scripts without spaces between words (Han, Kana, Thai) are compared letter by letter.
        case .otherLetter: return .sign
        default: return .sign
        }
    }

    // MARK: Myers

    /// The shortest script; nil when more than `bound` words differ.
    private static func script(
        _ old: [ExactString], _ new: [ExactString], _ bound: Int
    ) -> [Step]? {
        // Numbers for words, so that the inner loop compares integers.
        var numbers: [ExactString: Int] = [:]
        func number(_ word: ExactString) -> Int {
            if let known = numbers[word] { return known }
            numbers[word] = numbers.count
            return numbers.count - 1
        }
        let left = old.map(number)
        let right = new.map(number)

        let limit = min(bound, left.count + right.count)
        // The farthest x on each diagonal, by the number of differences; of round d the diagonals -d…d.
        var rounds: [[Int]] = []
        var farthest = [0, 0]
        for distance in 0...limit {
            var round = [Int](repeating: 0, count: 2 * distance + 1)
            for diagonal in stride(from: -distance, through: distance, by: 2) {
                var x = distance == 0 ? 0 : entry(farthest, distance - 1, diagonal)
                while x < left.count, x - diagonal < right.count, left[x] == right[x - diagonal] { x += 1 }
                round[diagonal + distance] = x
                if x >= left.count, x - diagonal >= right.count {
                    rounds.append(round)
                    return trace(rounds, old, new)
                }
            }
            rounds.append(round)
            farthest = round
        }
        return nil
    }

    /// Where a path enters the diagonal, given the round before. From above it inserts, from the left it removes.
    private static func entry(_ round: [Int], _ distance: Int, _ diagonal: Int) -> Int {
        let above = diagonal + 1 + distance
        let left = diagonal - 1 + distance
        let inserting = above < round.count ? round[above] : -1
        let removing = left >= 0 ? round[left] + 1 : -1
        return max(inserting, removing)
    }

    private static func trace(
        _ rounds: [[Int]], _ old: [ExactString], _ new: [ExactString]
    ) -> [Step] {
        var steps: [Step] = []
        var x = old.count
        var y = new.count
        for distance in stride(from: rounds.count - 1, through: 0, by: -1) {
            let diagonal = x - y
            let start = distance == 0 ? 0 : entry(rounds[distance - 1], distance - 1, diagonal)
            while x > start {
                x -= 1
                y -= 1
                steps.append(Step(kind: .same, word: old[x]))
            }
            guard distance > 0 else { break }
            let above = diagonal + distance
            let isInsertion = above < rounds[distance - 1].count && rounds[distance - 1][above] == start
            if isInsertion {
                y -= 1
                steps.append(Step(kind: .inserted, word: new[y]))
            } else {
                x -= 1
                steps.append(Step(kind: .removed, word: old[x]))
            }
        }
        return steps.reversed()
    }

    // MARK: Reading

    private struct Step {
        var kind: Kind
        let word: ExactString
    }

    /// Moves what was only inserted or only removed as far back as it goes without changing either text. A sentence
    /// that was added is then the sentence with its own full stop, and not with that of the sentence before. O(n).
    private static func slide(_ steps: inout [Step]) {
        var start = 0
        while start < steps.count {
            let kind = steps[start].kind
            var end = start
            while end < steps.count, steps[end].kind == kind { end += 1 }
            let followsChange = start > 0 && steps[start - 1].kind != .same
            if kind != .same, !followsChange {
                while end < steps.count, steps[end].kind == .same, steps[end].word == steps[start].word {
                    steps[start].kind = .same
                    steps[end].kind = kind
                    start += 1
                    end += 1
                }
            }
            start = end
        }
    }

    /// Joins neighbouring words of a kind. Where both were changed, what was removed comes first. A space between two
    /// changes counts as changed too, so that a phrase is marked in one piece.
    private static func pieces(of steps: [Step]) -> [Piece] {
        var pieces: [Piece] = []
        var removed = ""
        var inserted = ""
        var index = 0
        while index < steps.count {
            let step = steps[index]
            switch step.kind {
            case .removed: removed += step.word.text
            case .inserted: inserted += step.word.text
            case .same:
                let isBetween =
                    !(removed + inserted).isEmpty && index + 1 < steps.count && steps[index + 1].kind != .same
                if isBetween, step.word == " " {
                    removed += step.word.text
                    inserted += step.word.text
                } else {
                    if !removed.isEmpty { pieces.append(Piece(kind: .removed, text: removed)) }
                    if !inserted.isEmpty { pieces.append(Piece(kind: .inserted, text: inserted)) }
                    (removed, inserted) = ("", "")
                    var same = ""
                    while index < steps.count, steps[index].kind == .same {
                        same += steps[index].word.text
                        index += 1
                    }
                    pieces.append(Piece(kind: .same, text: same))
                    continue
                }
            }
            index += 1
        }
        if !removed.isEmpty { pieces.append(Piece(kind: .removed, text: removed)) }
        if !inserted.isEmpty { pieces.append(Piece(kind: .inserted, text: inserted)) }
        return pieces
    }
}
