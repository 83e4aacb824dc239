extension CollectionRules {
    /// Everything that is wrong with an operation by these rules, whatever the record holds. O(n) in what it names.
    ///
    /// A device asks this when an edit is made, so that a mistake is told where it is made and not when the server
    /// refuses it. Whether the record that would result is whole is known to the server alone.
    public func rejections(of operation: Operation, limits: Limits = Limits()) -> [Rejection] {
        FieldInterpretation(operation, rules: self, limits: limits).rejections
    }
}
