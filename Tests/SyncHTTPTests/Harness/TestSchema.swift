import MergeCore

extension Schema {
    /// One collection for each thing that a schema can say.
    static let test = Schema(declaring: [
        "notes": CollectionRules(),
        "drafts": CollectionRules(deletes: .deleteWins),
        "profiles": CollectionRules(required: ["name"]),
        "settings": CollectionRules(key: .singleton),
        "sheets": CollectionRules(recordMerge: .lww),
        "estimates": CollectionRules(
            fields: [
                "title": FieldRule(type: .string),
                "total": FieldRule(type: .integer, merge: .max),
                "visits": FieldRule(type: .integer, merge: .counter),
                "tags": FieldRule(type: .set, merge: .set),
                "status": FieldRule(type: .string, merge: .manual),
                "code": FieldRule(type: .string, merge: .immutable),
                "ssn": FieldRule(type: .string, audit: .redacted),
                "diagnosis": FieldRule(type: .json, merge: .manual, audit: .redacted),
                "lat": FieldRule(type: .number),
                "lng": FieldRule(type: .number),
            ],
            groups: ["place": GroupRule(fields: ["lat", "lng"])]),
    ])
}
