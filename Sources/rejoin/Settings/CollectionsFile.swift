import Causality
import Foundation
import MergeCore
import SyncWire
import Yams

/// A file that declares collections. Everything that has no meaning there is refused, with its place, so that a typing
/// error does not become a policy.
struct CollectionsFile: Sendable {
    let schema: Schema

    init(path: String, limits: WireLimits = WireLimits()) throws(CommandFailure) {
        let text: String
        do {
            text = try String(contentsOfFile: path, encoding: .utf8)
        } catch {
            throw .cannotStart("cannot read the collections file \(path)")
        }
        do {
            schema = try Self.schema(yaml: text, limits: limits)
        } catch {
            throw .cannotStart("\(path): \(error.message)")
        }
    }

    /// What is wrong, and where.
    struct ReadingError: Error {
        let message: String

        init(_ place: String, _ message: String) { self.message = "\(place): \(message)" }
    }

    static func schema(yaml: String, limits: WireLimits = WireLimits()) throws(ReadingError) -> Schema {
        let root: Node?
        do {
            root = try YAMLText.root(of: yaml)
        } catch {
            throw ReadingError("file", "no YAML: \(error.message)")
        }
        let file = try Members(root, at: "file", allowing: ["collections"])
        var collections: [ExactString: CollectionRules] = [:]
        for (name, node) in try file.members("collections") {
            collections[try Self.name(name, limits)] = try rules(node, at: "collections.\(name)", limits)
        }
        return Schema(declaring: collections)
    }

    private static func name(_ text: String, _ limits: WireLimits) throws(ReadingError) -> ExactString {
        let name = ExactString(text)
        if let issue = NameRule.issue(in: name, limits: limits) { throw ReadingError(text, issue) }
        if text.hasPrefix("$") { throw ReadingError(text, "names that begin with $ belong to the protocol") }
        return name
    }

    private static func rules(_ node: Node, at place: String, _ limits: WireLimits) throws(ReadingError)
        -> CollectionRules
    {
        let members = try Members(
            node, at: place, allowing: ["fields", "groups", "unit", "merge", "deletes", "required", "key"])
        var fields: [ExactString: FieldRule]?
        if members.has("fields") {
            fields = [:]
            for (name, node) in try members.members("fields") {
                fields?[try Self.name(name, limits)] = try field(node, at: "\(place).fields.\(name)")
            }
        }
        var groups: [ExactString: GroupRule] = [:]
        for (name, node) in try members.members("groups") {
            groups[try Self.name(name, limits)] = try group(node, at: "\(place).groups.\(name)", limits)
        }
        let recordMerge = try recordMerge(members, at: place)
        let rules = CollectionRules(
            fields: fields, groups: groups, recordMerge: recordMerge,
            deletes: try members.choice("deletes", DeletePolicy.self) ?? .updateWins,
            required: try members.list("required").map { ExactString($0) },
            key: try members.choice("key", KeyRule.self) ?? .free)
        try check(rules, at: place)
        return rules
    }

    private static func recordMerge(_ members: Members, at place: String) throws(ReadingError) -> MergePolicy? {
        let merge = try members.choice("merge", MergePolicy.self)
        switch try members.text("unit") {
        case nil, "field":
            guard merge == nil else { throw ReadingError(place, "'merge' of a whole collection needs 'unit: record'") }
            return nil
        case "record":
            let policy = merge ?? .lww
            guard policy.registerRule != nil else {
                throw ReadingError(place, "a whole record merges by \(registerPolicies)")
            }
            return policy
        default: throw ReadingError(place, "'unit' is field or record")
        }
    }

    /// The policies by which units of several fields can merge.
    private static var registerPolicies: String {
        let names = MergePolicy.allCases.filter { $0.registerRule != nil }.map(\.rawValue)
        return names.dropLast().joined(separator: ", ") + " or " + (names.last ?? "")
    }

    private static func field(_ node: Node, at place: String) throws(ReadingError) -> FieldRule {
        let members = try Members(node, at: place, allowing: ["type", "merge", "audit"])
        let declared = try members.choice("type", FieldType.self)
        let merge = try members.choice("merge", MergePolicy.self) ?? .lww
        let audit = try members.choice("audit", AuditClass.self) ?? .full
        do throws(FamilyRefusal) {
            let type = try merge.family.type.fieldType(declared: declared, for: merge)
            return FieldRule(type: type, merge: merge, audit: audit)
        } catch {
            throw ReadingError(place, error.detail)
        }
    }

    /// `[lat, lng]`, or an object with `fields` and `merge`.
    private static func group(_ node: Node, at place: String, _ limits: WireLimits) throws(ReadingError) -> GroupRule {
        let fields: [String]
        var merge = MergePolicy.lww
        if node.sequence != nil {
            fields = try Members.texts(node, at: place)
        } else {
            let members = try Members(node, at: place, allowing: ["fields", "merge"])
            fields = try members.list("fields")
            merge = try members.choice("merge", MergePolicy.self) ?? .lww
        }
        guard merge.registerRule != nil else { throw ReadingError(place, "a group merges by \(registerPolicies)") }
        guard fields.count >= 2 else { throw ReadingError(place, "a group has two fields or more") }
        var names: [ExactString] = []
        for field in fields { names.append(try name(field, limits)) }
        return GroupRule(fields: names, merge: merge)
    }

    private static func check(_ rules: CollectionRules, at place: String) throws(ReadingError) {
        if rules.recordMerge != nil, !rules.groups.isEmpty {
            throw ReadingError(place, "with 'unit: record' the whole record is the group; 'groups' has no meaning")
        }
        var owner: [ExactString: ExactString] = [:]
        for (name, group) in rules.groups {
            if rules.fields?[name] != nil { throw ReadingError(place, "group '\(name)' has the name of a field") }
            for field in group.fields {
                if let other = owner[field] {
                    throw ReadingError(place, "'\(field)' is in groups '\(other)' and '\(name)'")
                }
                owner[field] = name
            }
        }
        for (name, rule) in rules.fields ?? [:] where rule.merge != .lww {
            if rules.recordMerge != nil {
                throw ReadingError(place, "'\(name)' merges with its record, by the record's policy")
            }
            if let group = owner[name] {
                throw ReadingError(place, "'\(name)' merges with group '\(group)', by its policy")
            }
        }
        guard let fields = rules.fields else { return }
        for name in rules.required + rules.groups.values.flatMap(\.fields) where fields[name] == nil {
            throw ReadingError(place, "'\(name)' is named and not declared under 'fields'")
        }
    }

    /// The members of a YAML mapping, of which only some names are allowed.
    private struct Members {
        private let place: String
        private var nodes: [String: Node] = [:]

        init(_ node: Node?, at place: String, allowing names: [String]) throws(ReadingError) {
            self.place = place
            guard let mapping = node?.mapping else {
                if node?.null != nil { return }
                throw ReadingError(place, "this is a mapping with \(names.joined(separator: ", "))")
            }
            for (key, value) in mapping {
                guard let name = key.string, names.contains(name) else {
                    throw ReadingError(
                        place, "'\(key.string ?? "?")' is unknown here; known: \(names.joined(separator: ", "))")
                }
                nodes[name] = value
            }
        }

        func has(_ name: String) -> Bool { nodes[name] != nil }

        func text(_ name: String) throws(ReadingError) -> String? {
            guard let node = nodes[name] else { return nil }
            guard let text = node.scalar?.string else { throw ReadingError("\(place).\(name)", "this is one word") }
            return text
        }

        func choice<Choice>(_ name: String, _ type: Choice.Type) throws(ReadingError) -> Choice?
        where Choice: RawRepresentable<String> & CaseIterable {
            guard let text = try text(name) else { return nil }
            guard let choice = Choice(rawValue: text) else {
                let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
                throw ReadingError("\(place).\(name)", "'\(text)' is none of \(known)")
            }
            return choice
        }

        func list(_ name: String) throws(ReadingError) -> [String] {
            guard let node = nodes[name] else { return [] }
            return try Self.texts(node, at: "\(place).\(name)")
        }

        static func texts(_ node: Node, at place: String) throws(ReadingError) -> [String] {
            guard let sequence = node.sequence else { throw ReadingError(place, "this is a list") }
            var texts: [String] = []
            for element in sequence {
                guard let text = element.scalar?.string else { throw ReadingError(place, "this is a list of names") }
                texts.append(text)
            }
            return texts
        }

        func members(_ name: String) throws(ReadingError) -> [(String, Node)] {
            guard let node = nodes[name], node.null == nil else { return [] }
            guard let mapping = node.mapping else { throw ReadingError("\(place).\(name)", "this is a mapping") }
            var members: [(String, Node)] = []
            for (key, value) in mapping {
                guard let name = key.string else { throw ReadingError(place, "names are texts") }
                members.append((name, value))
            }
            return members
        }
    }
}
