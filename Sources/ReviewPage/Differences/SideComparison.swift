import Causality

/// The sides of a conflict next to each other: field by field where they are objects, else as one value.
///
/// Every side is compared with one of them, the one that shows; that one with the other when there are but two.
struct SideComparison {
    struct Field {
        /// Nil where the value is not an object.
        let name: String?
        /// Of each side, in the order of the sides.
        let cells: [Cell]
        /// Whether any two sides differ here.
        let differs: Bool
    }

    struct Cell {
        /// Whether the side has this field at all; true where the value is no object.
        let isNamed: Bool
        let value: Fragment
        let differs: Bool
    }

    let fields: [Field]
    /// Whether the one that the others are compared with is compared with none itself.
    let isReferencePlain: Bool

    /// O(n) in the sizes of the values for each side, but for the differences inside texts, which are bounded.
    /// - Parameter reference: the number of the side that the others are compared with.
    init(_ sides: [PageValue?], reference: Int) {
        let others = sides.indices.filter { $0 != reference && sides[$0] != nil }
        let counterpart = others.count == 1 ? others.first : nil
        isReferencePlain = others.count > 1
        let pairing = Pairing(reference: reference, counterpart: counterpart)
        let objects = sides.map { Self.members($0) }
        let present = zip(sides, objects).filter { $0.0 != nil }
        guard !present.isEmpty, present.allSatisfy({ $0.1 != nil }) else {
            fields = [Self.field(nil, sides, isNamed: sides.map { _ in true }, pairing)]
            return
        }
        var names: [ExactString] = []
        var known: Set<ExactString> = []
        for object in objects {
            for member in object ?? [] where known.insert(ExactString(member.name)).inserted {
                names.append(ExactString(member.name))
            }
        }
        let tables = objects.map { object in
            Dictionary((object ?? []).map { (ExactString($0.name), $0.value) }, uniquingKeysWith: { first, _ in first })
        }
        guard !names.isEmpty else {
            fields = [Self.field(nil, sides, isNamed: sides.map { _ in true }, pairing)]
            return
        }
        // A side that deletes has no fields that could differ.
        fields = names.map { name in
            Self.field(
                name.text, tables.map { $0[name] }, isNamed: tables.map { $0[name] != nil }, pairing,
                isPresent: sides.map { $0 != nil })
        }
    }

    private struct Pairing {
        let reference: Int
        /// What the reference itself is compared with.
        let counterpart: Int?
    }

    /// Nil where the two are of different forms, or have next to nothing in common: then all would be marked, which says
    /// nothing.
    private static func differences(in text: ValueText, against other: ValueText) -> MarkedText? {
        let difference: WordDifference
        switch (text.form, other.form) {
        case (.text(let mine), .text(let theirs)), (.json(let mine), .json(let theirs)):
            difference = WordDifference(from: theirs, to: mine)
        default: return nil
        }
        let total = difference.pieces.reduce(0) { $0 + ($1.kind == .removed ? 0 : $1.text.utf8.count) }
        let same = difference.pieces.reduce(0) { $0 + ($1.kind == .same ? $1.text.utf8.count : 0) }
        return same * 8 < total ? nil : difference.marked
    }

    private static func members(_ value: PageValue?) -> [PageValue.Member]? {
        guard case .object(let members)? = value, value?.redactedHash == nil else { return nil }
        return members
    }

    private static func field(
        _ name: String?, _ values: [PageValue?], isNamed: [Bool], _ pairing: Pairing, isPresent: [Bool]? = nil
    ) -> Field {
        let keys = values.map { $0.map { ExactString(JSONText.compact($0)) } }
        let compared = values.indices.filter { isPresent?[$0] ?? true }
        let differs = Set(compared.map { keys[$0] }).count > 1
        let cells = values.indices.map { index in
            let other = index == pairing.reference ? pairing.counterpart : pairing.reference
            let isOther = other.map { keys[$0] != keys[index] && (isPresent?[$0] ?? true) } ?? false
            let text = ValueText(values[index])
            var marked: MarkedText?
            if isOther, let other { marked = Self.differences(in: text, against: ValueText(values[other])) }
            return Cell(
                isNamed: isNamed[index], value: text.fragment(marked: marked),
                differs: isOther && (isPresent?[index] ?? true))
        }
        return Field(name: name, cells: cells, differs: differs)
    }
}
