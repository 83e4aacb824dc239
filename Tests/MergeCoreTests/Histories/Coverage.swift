import Testing

/// Of how many generated cases a law says something. A law that passes over most of them shows nothing, however green it is.
struct Coverage {
    private var generated = 0
    private var asked = 0

    /// - Returns: whether the law is about this case.
    @discardableResult
    mutating func includes(_ isAsked: Bool) -> Bool {
        generated += 1
        asked += isAsked ? 1 : 0
        return isAsked
    }

    /// Says how many it was, and fails where fewer were asked than have to be.
    func expect(atLeast floor: Int, sourceLocation: SourceLocation = #_sourceLocation) {
        print("\(asked) of \(generated) cases: \(Test.current?.displayName ?? Test.current?.name ?? "a law")")
        #expect(asked >= floor, "of \(generated) cases the law was asked of \(asked)", sourceLocation: sourceLocation)
    }
}
