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

    typealias ReadingError = YAMLReadingError
    private typealias Members = YAMLMembers

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
}
