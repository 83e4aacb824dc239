/// A sentence of ours with names of others in it, each isolated from the words around.
///
///     "\(name: device) changed \(unit: unit)."
struct Sentence: ExpressibleByStringInterpolation, Hashable {
    enum Piece: Hashable {
        case words(String)
        case name(String)
        case emphasis(String)
    }

    let pieces: [Piece]

    init(stringLiteral value: String) {
        pieces = [.words(value)]
    }

    init(pieces: [Piece]) {
        self.pieces = pieces
    }

    init(stringInterpolation: Interpolation) {
        pieces = stringInterpolation.pieces
    }

    struct Interpolation: StringInterpolationProtocol {
        fileprivate var pieces: [Piece] = []

        init(literalCapacity: Int, interpolationCount: Int) {}

        mutating func appendLiteral(_ literal: String) {
            if !literal.isEmpty { pieces.append(.words(literal)) }
        }

        mutating func appendInterpolation(name: String) {
            pieces.append(.name(name))
        }

        mutating func appendInterpolation(unit: String) {
            pieces.append(unit == Words.recordUnit ? .words("the record") : .emphasis(unit))
        }

        mutating func appendInterpolation(words: String) {
            pieces.append(.words(words))
        }

        mutating func appendInterpolation(_ sentence: Sentence) {
            pieces += sentence.pieces
        }

        mutating func appendInterpolation(_ number: some BinaryInteger) {
            pieces.append(.words(String(number)))
        }
    }

    /// What the template `sentence` reads.
    var fragment: Fragment {
        [
            "pieces": .list(
                pieces.map { piece in
                    switch piece {
                    case .words(let words): ["words": .text(words)]
                    case .name(let name): ["isName": true, "runs": Naming.fragment(name)["runs"]]
                    case .emphasis(let name): ["isEmphasis": true, "runs": Naming.fragment(name)["runs"]]
                    }
                })
        ]
    }

    /// The sentence for titles and attributes.
    var flat: String {
        pieces.map { piece in
            switch piece {
            case .words(let words): words
            case .name(let name), .emphasis(let name): Naming.flat(name)
            }
        }.joined()
    }
}
