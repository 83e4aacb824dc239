import Causality
import MergeCore
import StrictJSON
import Values

extension Schema: WireDocument {
    /// The declared schema, in the words of a collections file.
    public func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("acceptsUndeclared", acceptsUndeclared)
        writer.key("collections")
        writer.beginObject()
        for (name, rules) in collections.sorted(by: { $0.key < $1.key }) {
            writer.key(name)
            rules.write(to: &writer)
        }
        writer.endObject()
        writer.endObject()
    }

    public init(reading members: DocumentMembers) throws(WireError) {
        let sent = try members.members("collections")
        var collections: [ExactString: CollectionRules] = [:]
        for name in sent.names { collections[name] = try CollectionRules(reading: try sent.members(name)) }
        self = try members.boolean("acceptsUndeclared") ? .open : Schema(declaring: collections)
    }
}

extension CollectionRules {
    fileprivate func write(to writer: inout JSONWriter) {
        writer.beginObject()
        writer.member("key", key.rawValue)
        writer.member("deletes", deletes.rawValue)
        writer.member("unit", recordMerge == nil ? "field" : "record")
        if let recordMerge { writer.member("merge", recordMerge.rawValue) }
        writer.key("required")
        writer.write(.array(required.map { .string($0) }))
        if let fields {
            writer.key("fields")
            writer.beginObject()
            for (name, rule) in fields.sorted(by: { $0.key < $1.key }) {
                writer.key(name)
                writer.beginObject()
                writer.member("type", rule.type.rawValue)
                writer.member("merge", rule.merge.rawValue)
                writer.member("audit", rule.audit.rawValue)
                writer.endObject()
            }
            writer.endObject()
        }
        writer.key("groups")
        writer.beginObject()
        for (name, group) in groups.sorted(by: { $0.key < $1.key }) {
            writer.key(name)
            writer.beginObject()
            writer.key("fields")
            writer.write(.array(group.fields.map { .string($0) }))
            writer.member("merge", group.merge.rawValue)
            writer.endObject()
        }
        writer.endObject()
        writer.endObject()
    }

    fileprivate init(reading members: DocumentMembers) throws(WireError) {
        var fields: [ExactString: FieldRule]?
        if let sent = try members.optionalMembers("fields") {
            fields = [:]
            for name in sent.names {
                let rule = try sent.members(name)
                fields?[name] = FieldRule(
                    type: try rule.choice("type"), merge: try rule.policy("merge"), audit: try rule.choice("audit"))
            }
        }
        let sent = try members.members("groups")
        var groups: [ExactString: GroupRule] = [:]
        for name in sent.names {
            let group = try sent.members(name)
            groups[name] = GroupRule(fields: try group.texts("fields"), merge: try group.policy("merge"))
        }
        self.init(
            fields: fields, groups: groups,
            recordMerge: members.value("merge") == nil ? nil : try members.policy("merge"),
            deletes: try members.choice("deletes"), required: try members.texts("required"),
            key: try members.choice("key"))
    }
}

extension DocumentMembers {
    fileprivate func policy(_ name: ExactString) throws(WireError) -> MergePolicy {
        guard let policy = MergePolicy(rawValue: try text(name).text) else {
            throw WireError("'\(name)' is no policy that is known.", at: pointer(to: name))
        }
        return policy
    }
}
