/// A text from elsewhere with everything in it made visible.
///
/// Characters without ink of their own (controls, direction marks, joiners, odd spaces) are told apart from the text,
/// so that the page shows each as a chip. A combining mark without a base gets one. So nothing that a device wrote can
/// reorder, hide or pile up on what stands around it. Joiners and selectors inside emoji stay, because they make the
/// emoji.
struct VisibleText {
    /// A piece of the text that is shown alike from end to end.
    enum Run: Hashable {
        case plain(String)
        /// A scalar without ink, so many times in a row.
        case control(Unicode.Scalar, count: Int)
    }

    private(set) var runs: [Run] = []

    /// Further marks on one base are written out: no language has more.
    private static let maximumMarks = 4
    /// A text with more chips than this has them written into the text, which takes no elements.
    private static let maximumChips = 400

    /// Makes a text visible. O(n) in scalars.
    init(_ text: String) {
        var plain = String.UnicodeScalarView()
        var previous: Unicode.Scalar?
        var marks = 0
        let scalars = Array(text.unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            if scalar.isASCII, scalar.value >= 0x20, scalar.value != 0x7F {
                plain.append(scalar)
                marks = 0
                previous = scalar
                continue
            }
            let next = index + 1 < scalars.count ? scalars[index + 1] : nil
            let isMark = scalar.isCombining
            marks = isMark ? marks + 1 : 0
            let isWritten = scalar.hasInk(after: previous, before: next) && marks <= Self.maximumMarks
            if isWritten {
                let hasBase = marks > 1 || previous.map { !$0.properties.isWhitespace } ?? false
                if isMark, !hasBase { plain.append("\u{25CC}") }
                plain.append(scalar)
                previous = scalar
            } else {
                if !plain.isEmpty {
                    runs.append(.plain(String(plain)))
                    plain = String.UnicodeScalarView()
                }
                if case .control(scalar, let count)? = runs.last {
                    runs[runs.count - 1] = .control(scalar, count: count + 1)
                } else {
                    runs.append(.control(scalar, count: 1))
                }
                previous = nil
            }
        }
        if !plain.isEmpty { runs.append(.plain(String(plain))) }
    }

    /// The text in one piece, with chips in angle brackets. It is for attributes, which hold no elements.
    var flat: String {
        runs.map { run in
            switch run {
            case .plain(let text): text
            case .control(let scalar, let count): "⟨" + Self.label(scalar, count) + "⟩"
            }
        }.joined()
    }

    /// The runs as templates show them.
    var fragments: [Fragment] {
        guard runs.count <= Self.maximumChips else { return [["text": .text(flat)]] }
        return runs.map { run in
            switch run {
            case .plain(let text): ["text": .text(text)]
            case .control(let scalar, let count):
                [
                    "isControl": true, "text": .text(Self.label(scalar, count)),
                    "title": .text((scalar.properties.name ?? scalar.properties.nameAlias ?? "control").lowercased()),
                ]
            }
        }
    }

    private static func label(_ scalar: Unicode.Scalar, _ count: Int) -> String {
        count == 1 ? scalar.codePoint : "\(scalar.codePoint) ×\(count)"
    }
}

extension Unicode.Scalar {
    /// The character's number, as in `U+202E`.
    var codePoint: String {
        let digits = String(value, radix: 16, uppercase: true)
        return "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    var isCombining: Bool {
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .spacingMark: true
        default: false
        }
    }

    /// Whether the scalar can be shown as itself between these two.
    func hasInk(after previous: Unicode.Scalar?, before next: Unicode.Scalar?) -> Bool {
        switch value {
        case 0x09, 0x0A: return true
        case 0x200D:
            return previous.map(\.isOfEmoji) ?? false && next.map(\.properties.isEmoji) ?? false
        case 0xFE0E, 0xFE0F: return previous.map(\.properties.isEmoji) ?? false
        default: break
        }
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: return false
        case .spaceSeparator: return value == 0x20
        default: return !properties.isDefaultIgnorableCodePoint
        }
    }

    private var isOfEmoji: Bool {
        properties.isEmoji || properties.isEmojiModifier || value == 0xFE0F
    }
}
