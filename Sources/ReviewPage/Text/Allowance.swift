/// How much of the values on one page is rendered, shared out among them. The rest of each is a link away.
///
/// A page stays within a few hundred kilobytes whatever devices have written, and the work that it takes within a fixed
/// multiple of the bytes that are read for it.
struct Allowance {
    /// How much of each value is rendered, in bytes of the page (`RenderedCost`).
    let perValue: Int

    /// The bytes of all values that stand beside one another.
    private static let together = 96_000
    /// The bytes of one value by itself, and the least that is left to each of many.
    private static let most = 6_000
    private static let least = 240

    /// How many sides are shown. Those that stand come before those that were replaced.
    static let sides = 40
    /// How many sides stand in a line of a list.
    static let briefs = 6
    /// How many values of fields stand beside one another, over all sides.
    static let cells = 400
    /// How many entries of a clock stand in a line.
    static let clockEntries = 12
    /// The bytes of a value in a form's text area. What is longer cannot be edited there.
    static let editableBytes = 20_000

    /// Shares the bytes out.
    /// - Parameter count: how many values there are.
    init(values count: Int) {
        perValue = max(Self.least, min(Self.most, Self.together / max(count, 1)))
    }

    /// How many fields are shown of each of so many sides.
    static func fields(sides: Int) -> Int { max(10, cells / max(sides, 1)) }
}

/// Where all of a value can be read of which a page shows the beginning.
struct Rest {
    /// The address; nil where the API alone has it.
    let address: String?

    static let nowhere = Rest(address: nil)
}
