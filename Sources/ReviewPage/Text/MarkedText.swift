/// A text of which some pieces are marked, as it stands on the page: in full where it is short, else as a preview that
/// opens.
struct MarkedText {
    struct Piece: Hashable {
        let text: String
        let isMarked: Bool
    }

    let pieces: [Piece]

    /// What is longer is folded, in scalars and in lines.
    private static let longScalars = 700
    private static let longLines = 14
    private static let previewScalars = 280
    /// How much of what is not marked stays around what is.
    private static let surroundings = 60

    init(_ text: String) {
        pieces = text.isEmpty ? [] : [Piece(text: text, isMarked: false)]
    }

    init(pieces: [Piece]) {
        self.pieces = pieces.filter { !$0.text.isEmpty }
    }

    /// Read by the template `text`.
    var fragment: Fragment {
        let length = pieces.reduce(0) { $0 + $1.text.unicodeScalars.count }
        let lines = pieces.reduce(1) { lines, piece in
            lines + piece.text.utf8.reduce(0) { $0 + ($1 == UInt8(ascii: "\n") ? 1 : 0) }
        }
        var fragment: Fragment = [
            "isEmpty": .flag(pieces.isEmpty), "pieces": .list(pieces.map(Self.fragment(of:))),
        ]
        if length > Self.longScalars || lines > Self.longLines {
            fragment["isLong"] = true
            fragment["preview"] = .list(preview.map(Self.fragment(of:)))
            fragment["size"] = .text(CountText.grouped(length))
        }
        return fragment
    }

    /// The marked pieces with a little around each, up to a bound; without marks the beginning.
    private var preview: [Piece] {
        var preview: [Piece] = []
        var left = Self.previewScalars
        for (index, piece) in pieces.enumerated() where left > 0 {
            var text = piece.text
            if !piece.isMarked, pieces.count > 1 {
                let isFirst = index == 0
                let isLast = index == pieces.count - 1
                text = Self.shortened(
                    text, head: isFirst ? 0 : Self.surroundings, tail: isLast ? 0 : Self.surroundings)
            }
            let count = text.unicodeScalars.count
            if count > left { text = text.prefix(scalars: left) + "…" }
            left -= count
            preview.append(Piece(text: text.withoutLines, isMarked: piece.isMarked))
        }
        if left > 0, preview.count < pieces.count { preview.append(Piece(text: "…", isMarked: false)) }
        return preview
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

    /// On one line.
    var withoutLines: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0 == "\n" || $0 == "\t" ? " " : $0 }))
    }
}
