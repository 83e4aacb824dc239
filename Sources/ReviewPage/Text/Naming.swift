/// A name from elsewhere (a device, a user, a record), short enough to stand in a line.
enum Naming {
    /// Names are bounded where they come in. This bounds what is shown before that, such as a filter.
    static let maximumScalars = 256

    /// What the template `name` reads.
    static func fragment(_ name: String) -> Fragment {
        ["runs": .list(VisibleText(shortened(name)).fragments)]
    }

    /// The name for attributes.
    static func flat(_ name: String) -> String {
        VisibleText(shortened(name)).flat
    }

    private static func shortened(_ name: String) -> String {
        let beginning = name.prefix(scalars: maximumScalars).withoutLines
        return name.unicodeScalars.dropFirst(maximumScalars).isEmpty ? beginning : beginning + "…"
    }
}

extension Fragment.Node {
    static func name(_ name: String) -> Fragment.Node { .fragment(Naming.fragment(name)) }
    static func sentence(_ sentence: Sentence) -> Fragment.Node { .fragment(sentence.fragment) }
    static func time(_ milliseconds: Int64) -> Fragment.Node {
        .fragment(TimeText(milliseconds: milliseconds).fragment)
    }
}
