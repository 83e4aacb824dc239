import SyncHTTP

extension YAMLMembers {
    /// A path to a claim: a text, or a list of names that are taken as they are.
    func claimPath(_ name: String) throws(YAMLReadingError) -> ClaimPath? {
        guard let node = node(name) else { return nil }
        let text = node.scalar?.string
        let names = try text == nil ? Self.texts(node, at: "\(place).\(name)") : []
        do throws(ClaimRuleError) {
            guard let text else { return try ClaimPath(names) }
            return try ClaimPath(text: text)
        } catch {
            throw YAMLReadingError("\(place).\(name)", error.message)
        }
    }

    /// A path to a claim, or a template with one in it.
    func claimText(_ name: String) throws(YAMLReadingError) -> ClaimText? {
        guard let node = node(name) else { return nil }
        guard let text = node.scalar?.string else { return try claimPath(name).map { ClaimText($0) } }
        do throws(ClaimRuleError) {
            return try ClaimText(text: text)
        } catch {
            throw YAMLReadingError("\(place).\(name)", error.message)
        }
    }
}
