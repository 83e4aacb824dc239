/// About how many bytes of a page a text takes. The page's bounds are measured in this.
///
/// A text is not bounded by its own length: an apostrophe is written with five bytes, and a control character as a chip
/// with a title takes a hundred. So the cost of hostile texts is counted before they are rendered.
enum RenderedCost {
    /// A chip with its element and title.
    private static let chip = 100
    /// The longest escape.
    private static let escape = 6
    /// Marks on one base beyond this become chips.
    private static let marks = 4

    /// What one scalar takes.
    /// - Parameters:
    ///   - scalar: the scalar.
    ///   - marks: how many combining marks stand before it in a row. It is counted on.
    static func of(_ scalar: Unicode.Scalar, afterMarks marks: inout Int) -> Int {
        if scalar.isASCII {
            marks = 0
            switch scalar {
            case "<", ">", "&", "\"", "'", "`", "\r": return escape
            case "\n", "\t": return 1
            default: return scalar.value >= 0x20 && scalar.value != 0x7F ? 1 : chip
            }
        }
        guard scalar.isCombining else {
            marks = 0
            return scalar.hasInk(after: nil, before: nil) ? 4 : chip
        }
        marks += 1
        return marks > Self.marks ? chip : 8
    }
}

extension String {
    /// Whether the text is rendered within so many bytes. No more than that is read.
    func fits(cost: Int) -> Bool {
        var left = cost
        var marks = 0
        for scalar in unicodeScalars {
            left -= RenderedCost.of(scalar, afterMarks: &marks)
            if left < 0 { return false }
        }
        return true
    }

    /// The beginning that is rendered within so many bytes. O(its length).
    func prefix(cost: Int) -> String {
        var left = cost
        var marks = 0
        var end = unicodeScalars.startIndex
        while end < unicodeScalars.endIndex {
            left -= RenderedCost.of(unicodeScalars[end], afterMarks: &marks)
            if left < 0 { break }
            end = unicodeScalars.index(after: end)
        }
        return String(String.UnicodeScalarView(unicodeScalars[..<end]))
    }

    /// What the text takes, counted up to a bound.
    func cost(upTo bound: Int) -> Int {
        var cost = 0
        var marks = 0
        for scalar in unicodeScalars {
            cost += RenderedCost.of(scalar, afterMarks: &marks)
            if cost >= bound { return bound }
        }
        return cost
    }
}
