import Causality
import Foundation
import MergeCore
import RejoinProcesses
import Testing

@testable import rejoin

/// A collections file means exactly what it says, or it is refused with the place.
@Suite("the collections file")
struct CollectionsFileTests {
    private func rules(_ body: String) throws -> CollectionRules {
        try #require(try CollectionsFile.schema(yaml: "collections: {c: \(body)}").collections["c"])
    }

    private func fault(_ yaml: String) -> String? {
        do {
            _ = try CollectionsFile.schema(yaml: yaml)
            return nil
        } catch {
            return error.message
        }
    }

    // MARK: Taken

    @Test(
        "a field is what it is declared to be",
        arguments: [
            ("{type: string}", FieldRule(type: .string, merge: .lww)), ("{}", FieldRule(type: .json, merge: .lww)),
            ("", FieldRule(type: .json, merge: .lww)), ("{merge: fww}", FieldRule(type: .json, merge: .fww)),
            ("{merge: counter}", FieldRule(type: .integer, merge: .counter)),
            ("{type: integer, merge: counter}", FieldRule(type: .integer, merge: .counter)),
            ("{merge: set}", FieldRule(type: .set, merge: .set)),
            ("{type: set, merge: set}", FieldRule(type: .set, merge: .set)),
            ("{type: integer, merge: max}", FieldRule(type: .integer, merge: .max)),
            ("{type: number, merge: min}", FieldRule(type: .number, merge: .min)),
            ("{type: string, merge: max}", FieldRule(type: .string, merge: .max)),
            ("{type: timestamp, merge: max}", FieldRule(type: .timestamp, merge: .max)),
            ("{type: uuid, merge: immutable}", FieldRule(type: .uuid, merge: .immutable)),
            ("{type: boolean, merge: manual}", FieldRule(type: .boolean, merge: .manual)),
            ("{audit: redacted}", FieldRule(type: .json, merge: .lww, audit: .redacted)),
            ("{audit: full}", FieldRule(type: .json, merge: .lww, audit: .full)),
        ])
    func fields(_ declared: String, _ rule: FieldRule) throws {
        #expect(try rules("{fields: {f: \(declared)}}").fields == ["f": rule])
    }

    @Test("a collection that says nothing takes every field, merged by field, and edits win over deletes")
    func undeclared() throws {
        for body in ["", "{}", "{unit: field}"] { #expect(try rules(body) == CollectionRules()) }
        #expect(try rules("{fields: {}}").fields == [:], "no field is declared, so none is taken")
    }

    @Test("a collection is what it is declared to be")
    func collections() throws {
        #expect(try rules("{deletes: delete-wins}") == CollectionRules(deletes: .deleteWins))
        #expect(try rules("{deletes: update-wins}") == CollectionRules(deletes: .updateWins))
        #expect(try rules("{key: singleton}") == CollectionRules(key: .singleton))
        #expect(try rules("{required: [a, b]}") == CollectionRules(required: ["a", "b"]))
        #expect(try rules("{unit: record}") == CollectionRules(recordMerge: .lww))
        for policy in [MergePolicy.lww, .fww, .manual, .immutable] {
            #expect(try rules("{unit: record, merge: \(policy.rawValue)}") == CollectionRules(recordMerge: policy))
        }
        #expect(
            try rules("{groups: {g: [a, b]}}") == CollectionRules(groups: ["g": GroupRule(fields: ["a", "b"])]))
        #expect(
            try rules("{groups: {g: {fields: [a, b], merge: manual}}}")
                == CollectionRules(groups: ["g": GroupRule(fields: ["a", "b"], merge: .manual)]))
    }

    @Test("a file without collections declares nothing, so nothing is taken")
    func empty() throws {
        for yaml in ["collections:\n", "collections: {}"] {
            let schema = try CollectionsFile.schema(yaml: yaml)
            #expect(schema.collections.isEmpty)
            #expect(schema.rules(for: "anything") == nil)
        }
    }

    // MARK: Refused

    @Test(
        "what it does not mean is refused with the place",
        arguments: [
            // The file.
            ("", "file: this is a mapping with collections"), ("# nothing", "file: this is a mapping with collections"),
            ("collections: [", "file: no YAML: line "), ("{a: 1, a: 2}", "file: no YAML: line "),
            ("collections: {c: {}, c: {}}", "'c' is there twice"), ("- a", "file: this is a mapping"),
            ("text", "file: this is a mapping"), ("colections: {}", "file: 'colections' is unknown here"),
            ("collections: 5", "file.collections: this is a mapping"),
            ("collections: {[a]: {}}", "names are texts"),
            // Names.
            ("collections: {$c: {}}", "$c: names that begin with $"), ("collections: {'': {}}", ": "),
            ("collections: {\"a\\u0007\": {}}", "a"), ("collections: {c: {fields: {$f: {}}}}", "$f: names"),
            ("collections: {c: {groups: {$g: [a, b]}}}", "$g: names"),
            ("collections: {c: {groups: {g: [a, $b]}}}", "$b: names"),
            ("collections: {\(String(repeating: "x", count: 129)): {}}", "128"),
            // Members and choices.
            ("collections: {c: 5}", "collections.c: this is a mapping"),
            ("collections: {c: {delete: x}}", "collections.c: 'delete' is unknown here"),
            (
                "collections: {c: {deletes: both-win}}",
                "collections.c.deletes: 'both-win' is none of update-wins, delete-wins"
            ),
            ("collections: {c: {deletes: [update-wins]}}", "collections.c.deletes: this is one word"),
            ("collections: {c: {key: two}}", "collections.c.key: 'two' is none of"),
            ("collections: {c: {required: title}}", "collections.c.required: this is a list"),
            ("collections: {c: {required: [[a]]}}", "collections.c.required: this is a list of names"),
            ("collections: {c: {fields: [a]}}", "collections.c.fields: this is a mapping"),
            ("collections: {c: {fields: {f: string}}}", "collections.c.fields.f: this is a mapping"),
            ("collections: {c: {fields: {f: {typ: string}}}}", "collections.c.fields.f: 'typ' is unknown here"),
            ("collections: {c: {fields: {f: {type: text}}}}", "collections.c.fields.f.type: 'text' is none of"),
            ("collections: {c: {fields: {f: {merge: last}}}}", "collections.c.fields.f.merge: 'last' is none of"),
            ("collections: {c: {fields: {f: {audit: none}}}}", "collections.c.fields.f.audit: 'none' is none of"),
            // Policies and types.
            (
                "collections: {c: {fields: {f: {type: number, merge: counter}}}}",
                "fields.f: a counter is of type integer"
            ),
            ("collections: {c: {fields: {f: {type: json, merge: set}}}}", "fields.f: 'merge: set' is of type set"),
            ("collections: {c: {fields: {f: {type: set}}}}", "fields.f: 'type: set' needs 'merge: set'"),
            ("collections: {c: {fields: {f: {merge: max}}}}", "fields.f: 'max' needs a type"),
            ("collections: {c: {fields: {f: {type: boolean, merge: min}}}}", "fields.f: 'min' needs a type"),
            ("collections: {c: {fields: {f: {type: json, merge: min}}}}", "fields.f: 'min' needs a type"),
            // The whole record.
            ("collections: {c: {merge: lww}}", "'merge' of a whole collection needs 'unit: record'"),
            ("collections: {c: {unit: field, merge: lww}}", "needs 'unit: record'"),
            ("collections: {c: {unit: row}}", "'unit' is field or record"),
            ("collections: {c: {unit: record, merge: counter}}", "a whole record merges by"),
            ("collections: {c: {unit: record, merge: max}}", "a whole record merges by"),
            ("collections: {c: {unit: record, groups: {g: [a, b]}}}", "'groups' has no meaning"),
            ("collections: {c: {unit: record, fields: {f: {merge: fww}}}}", "'f' merges with its record"),
            // Groups.
            ("collections: {c: {groups: {g: [a]}}}", "groups.g: a group has two fields or more"),
            ("collections: {c: {groups: {g: [a, a]}}}", "'a'"),
            ("collections: {c: {groups: {g: 5}}}", "groups.g: this is a mapping"),
            ("collections: {c: {groups: {g: {fields: [a, b], merge: set}}}}", "groups.g: a group merges by"),
            ("collections: {c: {groups: {g: {fields: [a, b], merge: max}}}}", "groups.g: a group merges by"),
            ("collections: {c: {groups: {g: {filds: [a, b]}}}}", "groups.g: 'filds' is unknown here"),
            (
                "collections: {c: {fields: {g: {}, a: {}, b: {}}, groups: {g: [a, b]}}}",
                "group 'g' has the name of a field"
            ),
            ("collections: {c: {groups: {g: [a, b], h: [b, c]}}}", "'b' is in groups"),
            ("collections: {c: {fields: {a: {merge: fww}, b: {}}, groups: {g: [a, b]}}}", "'a' merges with group 'g'"),
            ("collections: {c: {fields: {a: {}}, groups: {g: [a, b]}}}", "'b' is named and not declared"),
            ("collections: {c: {fields: {a: {}}, required: [b]}}", "'b' is named and not declared"),
        ])
    func refused(_ yaml: String, _ words: String) throws {
        let message = try #require(fault(yaml), "\(yaml) is taken")
        #expect(message.contains(words), "\(message)")
        #expect(!message.contains("\n"), "\(message)")
    }

    // MARK: Examples

    @Test("the example of the design is taken")
    func designExample() throws {
        let schema = try CollectionsFile.schema(
            yaml: """
                collections:
                  estimates:
                    deletes: update-wins
                    required: [title]
                    fields:
                      title:  {type: string}
                      total:  {type: integer, merge: max}
                      visits: {type: integer, merge: counter}
                      tags:   {type: set, merge: set}
                      status: {type: string, merge: manual}
                      lat: {type: number}
                      lng: {type: number}
                      ssn: {type: string, audit: redacted}
                    groups: {place: [lat, lng]}
                  pdf_settings: {key: singleton}
                """)
        #expect(Set(schema.collections.keys) == ["estimates", "pdf_settings"])
        let estimates = try #require(schema.rules(for: "estimates"))
        #expect(estimates.fields?.count == 8 && estimates.required == ["title"])
        #expect(estimates.policy(of: .field("total")) == .max)
        #expect(estimates.unit(of: "lng") == .group("place"))
        #expect(estimates.fields?["ssn"]?.audit == .redacted)
        #expect(schema.rules(for: "pdf_settings")?.key == .singleton)
        #expect(schema.rules(for: "other") == nil)
    }

    @Test("the example in the repository is taken, and the demo's is the same")
    func repositoryExample() throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let example = try CollectionsFile(path: root.appending(path: "Schemas/Examples/contractor.yaml").path).schema
        #expect(example.collections.count == 7)
        let demo = try CollectionsFile(path: root.appending(path: "Sources/rejoin/Examples/contractor.yaml").path)
            .schema
        #expect(demo.collections == example.collections)
    }

    @Test("a file that cannot be read is named")
    func unreadable() {
        let failure = #expect(throws: CommandFailure.self) { try CollectionsFile(path: "/nowhere/c.yaml") }
        #expect(failure?.exitCode == 2)
        #expect(failure?.message == "cannot read the collections file /nowhere/c.yaml")
    }
}
