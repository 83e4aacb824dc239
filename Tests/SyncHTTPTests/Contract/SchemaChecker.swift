import MergeCore
import SyncWire
import Values

/// Holds values against the schemas of the document: the part of JSON Schema 2020-12 that the document uses.
struct SchemaChecker {
    let document: ContractDocument

    /// What is wrong with the value, each with the place; empty when it conforms.
    func faults(in value: Value, under schema: Value, at place: String = "") -> [String] {
        if case .boolean(let admits) = schema { return admits ? [] : ["\(place): nothing is allowed here"] }
        var faults: [String] = []
        if schema["$ref"] != nil { faults += self.faults(in: value, under: document.resolved(schema), at: place) }
        for part in schema["allOf"]?.elements ?? [] { faults += self.faults(in: value, under: part, at: place) }
        if let choices = schema["oneOf"]?.elements {
            let matching = choices.filter { self.faults(in: value, under: $0, at: place).isEmpty }
            if matching.count != 1 { faults.append("\(place): \(matching.count) of oneOf match") }
        }
        if let types = schema["type"] {
            let names = types.text.map { [$0] } ?? types.elements.compactMap(\.text)
            if !names.contains(where: { isOf($0, value) }) { faults.append("\(place): is no \(names)") }
        }
        if let allowed = schema["enum"]?.elements, !allowed.contains(value) {
            faults.append("\(place): is not in the enum")
        }
        if let constant = schema["const"], constant != value { faults.append("\(place): is not the constant") }
        switch value {
        case .object(let object): faults += self.faults(in: object, under: schema, at: place)
        case .array(let elements):
            for (index, element) in elements.enumerated() {
                guard let items = schema["items"] else { break }
                faults += self.faults(in: element, under: items, at: "\(place)/\(index)")
            }
        case .string(let text): faults += self.faults(in: text.text, under: schema, at: place)
        case .integer(let number):
            if let minimum = schema["minimum"]?.number, number < minimum { faults.append("\(place): is too small") }
            if let maximum = schema["maximum"]?.number, number > maximum { faults.append("\(place): is too large") }
        case .null, .boolean, .double: break
        }
        return faults
    }

    private func isOf(_ type: String, _ value: Value) -> Bool {
        switch (type, value) {
        case ("object", .object), ("array", .array), ("string", .string), ("boolean", .boolean), ("null", .null),
            ("integer", .integer), ("number", .integer), ("number", .double):
            true
        default: false
        }
    }

    private func faults(in object: ObjectValue, under schema: Value, at place: String) -> [String] {
        var faults: [String] = []
        for name in schema["required"]?.elements ?? [] where name.text.flatMap({ object[.init($0)] }) == nil {
            faults.append("\(place): has no \(name.text ?? "")")
        }
        for member in object.members {
            let here = "\(place)/\(member.name)"
            if let property = schema["properties", .name(member.name.text)] {
                faults += self.faults(in: member.value, under: property, at: here)
            } else if let rest = schema["additionalProperties"] {
                faults += self.faults(in: member.value, under: rest, at: here)
            }
        }
        return faults
    }

    private func faults(in text: String, under schema: Value, at place: String) -> [String] {
        var faults: [String] = []
        if let pattern = schema["pattern"]?.text, (try? Regex(pattern).firstMatch(in: text)) == nil {
            faults.append("\(place): does not match \(pattern)")
        }
        if schema["format"] == "date-time", Timestamp(text) == nil { faults.append("\(place): is no time") }
        if let least = schema["minLength"]?.number, text.count < least { faults.append("\(place): is too short") }
        if let most = schema["maxLength"]?.number, text.count > most { faults.append("\(place): is too long") }
        return faults
    }
}
