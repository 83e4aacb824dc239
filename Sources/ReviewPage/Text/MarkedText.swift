/// A text of which some pieces are marked. It stands on the page in full where it is short, else as a preview that
/// opens.
struct MarkedText {
    struct Piece: Hashable {
        let text: String
        let isMarked: Bool
    }

    let pieces: [Piece]

    /// A text with more scalars or lines than this is folded.
    private static let longScalars = 700
    private static let longLines = 14
    private static let previewScalars = 280
    /// The bytes of the page that a preview takes at most.
    private static let previewCost = 1_500
    /// What a marked piece takes beside its text.
    private static let elementCost = 60
    /// How much of what is not marked stays around what is.
    private static let surroundings = 60

    init(_ text: String) {
        pieces = text.isEmpty ? [] : [Piece(text: text, isMarked: false)]
    }

    init(pieces: [Piece]) {
        self.pieces = pieces.filter { !$0.text.isEmpty }
    }

    /// What the template `text` reads.
    /// - Parameters:
    ///   - cost: the bytes of the page that the text may take. What is beyond is left out.
    ///   - rest: where all of it is.
    ///   - isCut: whether the text is a beginning already.
    func fragment(within cost: Int = Allowance(values: 1).perValue, rest: Rest = .nowhere, isCut: Bool = false)
        -> Fragment
    {
        let length = pieces.reduce(0) { $0 + $1.text.unicodeScalars.count }
        let lines = pieces.reduce(1) { lines, piece in
            lines + piece.text.utf8.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
        }
        let (shown, isShortened) = bounded(to: cost)
        var fragment: Fragment = [
            "isEmpty": .flag(pieces.isEmpty), "pieces": .list(shown.map(Self.fragment(of:))),
        ]
        if isShortened || isCut {
            fragment["rest"] = .fragment([
                "address": rest.address.map { .text($0) },
                "size": isCut ? nil : .text(CountText.grouped(length)),
            ])
        }
        // A text that is cut to no more than a preview has no other preview.
        let isPreview = isShortened && cost <= Self.previewCost
        if !isPreview, length > Self.longScalars || lines > Self.longLines {
            fragment["isLong"] = true
            fragment["preview"] = .list(preview.map(Self.fragment(of:)))
            fragment["isShortened"] = .flag(isShortened || isCut)
            fragment["size"] = .text(CountText.grouped(length))
        }
        return fragment
    }

    /// The whole text where it is rendered within so many bytes. Else what is marked, with more around it than the
    /// preview has, up to that bound.
    private func bounded(to cost: Int) -> (pieces: [Piece], isShortened: Bool) {
        var left = cost
        for piece in pieces where left >= 0 { left -= piece.text.cost(upTo: left + 1) + Self.elementCost }
        guard left < 0 else { return (pieces, false) }
        return (windows(around: 4 * Self.surroundings, cost: cost), true)
    }

    /// The marked pieces with a little around each, up to a bound. A text without marks gives its beginning.
    private var preview: [Piece] {
        windows(around: Self.surroundings, cost: Self.previewCost, scalars: Self.previewScalars).map {
            Piece(text: $0.text.withoutLines, isMarked: $0.isMarked)
        }
    }

    private func windows(around: Int, cost: Int, scalars: Int = .max) -> [Piece] {
        var windows: [Piece] = []
        var costLeft = cost
        var scalarsLeft = scalars
        for (index, piece) in pieces.enumerated() where costLeft > 0 && scalarsLeft > 0 {
            var text = piece.text
            if !piece.isMarked, pieces.count > 1 {
                let isFirst = index == 0
                let isLast = index == pieces.count - 1
                text = Self.shortened(text, head: isFirst ? 0 : around, tail: isLast ? 0 : around)
            }
            var isCut = false
            if !text.fits(cost: costLeft) {
                text = text.prefix(cost: costLeft)
                isCut = true
            }
            if text.unicodeScalars.dropFirst(scalarsLeft).first != nil {
                text = text.prefix(scalars: scalarsLeft)
                isCut = true
            }
            costLeft = isCut ? 0 : costLeft - text.cost(upTo: costLeft) - Self.elementCost
            scalarsLeft -= text.unicodeScalars.count
            windows.append(Piece(text: isCut ? text + "…" : text, isMarked: piece.isMarked))
        }
        if windows.count < pieces.count, windows.last?.text.hasSuffix("…") != true {
            windows.append(Piece(text: "…", isMarked: false))
        }
        return windows
    }

    private static func shortened(_ text: String, head: Int, tail: Int) -> String {
        let scalars = text.unicodeScalars
        guard scalars.count > head + tail + 3 else { return text }
        return text.prefix(scalars: head) + "…" + String(String.UnicodeScalarView(scalars.suffix(tail)))
    }

    private static func fragment(of piece: Piece) -> Fragment {
        ["isMarked": .flag(piece.isMarked), "runs": .list(VisibleText(piece.text).fragments)]
    }
}

extension String {
    func prefix(scalars count: Int) -> String {
        String(String.UnicodeScalarView(unicodeScalars.prefix(count)))
    }

    /// The text on one line.
    var withoutLines: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0 == "\n" || $0 == "\t" ? " " : $0 }))
    }
}
