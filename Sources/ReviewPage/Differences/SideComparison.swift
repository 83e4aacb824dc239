import Causality

/// The sides of a conflict next to each other: field by field where they are objects, else as one value.
///
/// Every side is compared with the one that shows. Where there are but two, that one is compared with the other.
struct SideComparison {
    struct Field {
        /// The field's name; nil where the value is not an object.
        let name: String?
        /// One cell for each side, in the order of the sides.
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

    /// The fields; where there are more than can be shown, those that differ come first.
    let fields: [Field]
    /// How many fields there are beside those.
    let omittedFields: Int
    /// Whether the one that the others are compared with is compared with none itself.
    let isReferencePlain: Bool

    /// Compares the sides. O(n) in the sizes of the values for each side; the differences inside texts are bounded.
    /// - Parameters:
    ///   - sides: the value of each side; nil for a side that deletes.
    ///   - reference: the number of the side that the others are compared with.
    ///   - rests: for each side, where all of its value is.
    init(_ sides: [PageValue?], reference: Int, rests: [Rest]? = nil) {
        let rests = rests ?? sides.map { _ in .nowhere }
        let others = sides.indices.filter { $0 != reference && sides[$0] != nil }
        let counterpart = others.count == 1 ? others.first : nil
        isReferencePlain = others.count > 1
        let pairing = Pairing(reference: reference, counterpart: counterpart)
        let objects = sides.map { Self.members($0) }
        let present = zip(sides, objects).filter { $0.0 != nil }
        let whole = { Self.field(nil, Row(sides), pairing, Allowance(values: sides.count), rests) }
        guard !present.isEmpty, present.allSatisfy({ $0.1 != nil }) else {
            fields = [whole()]
            omittedFields = 0
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
            fields = [whole()]
            omittedFields = 0
            return
        }
        // A side that deletes has no fields that could differ.
        var rows = names.map { name in
            Row(tables.map { $0[name] }, isNamed: tables.map { $0[name] != nil }, isPresent: sides.map { $0 != nil })
        }
        let most = Allowance.fields(sides: sides.count)
        if rows.count > most {
            let order = rows.indices.filter { rows[$0].differs } + rows.indices.filter { !rows[$0].differs }
            let shown = order.prefix(most).sorted()
            names = shown.map { names[$0] }
            rows = shown.map { rows[$0] }
            omittedFields = order.count - most
        } else {
            omittedFields = 0
        }
        let allowance = Allowance(values: rows.count * sides.count)
        fields = zip(names, rows).map { Self.field($0.text, $1, pairing, allowance, rests) }
    }

    /// What the sides have in one field.
    private struct Row {
        let values: [PageValue?]
        let isNamed: [Bool]
        /// Whether the side has fields at all.
        let isPresent: [Bool]
        let differs: Bool

        init(_ values: [PageValue?], isNamed: [Bool]? = nil, isPresent: [Bool]? = nil) {
            self.values = values
            self.isNamed = isNamed ?? values.map { _ in true }
            let isPresent = isPresent ?? values.map { _ in true }
            self.isPresent = isPresent
            let compared = values.indices.filter { isPresent[$0] }
            differs =
                compared.first.map { first in
                    compared.contains { !PageValue.areSame(values[first], values[$0]) }
                } ?? false
        }
    }

    private struct Pairing {
        let reference: Int
        /// The side that the reference itself is compared with.
        let counterpart: Int?
    }

    /// Where two values differ. nil where the two are of different forms, or have next to nothing in common: then all
    /// would be marked, which says nothing.
    private static func differences(
        in text: ValueText, against other: ValueText, within allowance: Allowance
    ) -> MarkedText? {
        let difference: WordDifference
        switch (text.form, other.form) {
        case (.text(let mine), .text(let theirs)), (.json(let mine), .json(let theirs)):
            difference = WordDifference(from: theirs, to: mine, bounds: WordDifference.Bounds(within: allowance))
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
        _ name: String?, _ row: Row, _ pairing: Pairing, _ allowance: Allowance, _ rests: [Rest]
    ) -> Field {
        let texts = row.values.map { ValueText($0, within: allowance) }
        let cells = row.values.indices.map { index in
            let other = index == pairing.reference ? pairing.counterpart : pairing.reference
            let isOther =
                other.map { !PageValue.areSame(row.values[$0], row.values[index]) && row.isPresent[$0] } ?? false
            var marked: MarkedText?
            if isOther, let other {
                marked = Self.differences(in: texts[index], against: texts[other], within: allowance)
            }
            return Cell(
                isNamed: row.isNamed[index],
                value: texts[index].fragment(marked: marked, within: allowance, rest: rests[index]),
                differs: isOther && row.isPresent[index])
        }
        return Field(name: name, cells: cells, differs: row.differs)
    }
}
