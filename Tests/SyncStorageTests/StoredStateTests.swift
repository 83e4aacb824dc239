import Causality
import MergeCore
import SyncStorage
import Testing

private let first = Event(
    stamp: Stamp(milliseconds: 10, dot: Dot(device: "a", counter: 1)),
    provenance: Provenance(operation: "o1", user: "u", claimedMilliseconds: nil))
private let second = Event(
    stamp: Stamp(milliseconds: 20, dot: Dot(device: "b", counter: 1)),
    provenance: Provenance(operation: "o2", user: "u", claimedMilliseconds: 5))

/// A record with a unit of every kind.
private let record: StoredRecord = {
    let place = Register(Register.Candidate(value: ["lat": 1], event: first))
    let units: UnitStates = [
        .field("alone"): .register(Register(Register.Candidate(value: "x", event: first))),
        .field("both"): .register(Register([.init(value: "x", event: first), .init(value: "y", event: second)])),
        .field("count"): .counter(
            CounterTotals([.init(dot: first.dot, amount: 3), .init(dot: second.dot, amount: -1)])),
        .field("high"): .extremum(Extremum(direction: .greatest, value: 7, event: second)),
        .field("low"): .extremum(Extremum(direction: .smallest, value: 2, event: first)),
        .group("place"): .register(place),
        .field("tags"): .set(
            ObservedRemoveSet([
                .init(value: "x", dots: [first.dot, second.dot]), .init(value: "y", dots: [second.dot]),
            ])),
    ]
    return StoredRecord(
        key: RecordKey(collection: "c", id: "r"),
        state: RecordState(
            clock: ["a": 1, "b": 1], units: units, deletion: DeletionState(writes: [first, second]),
            latestMilliseconds: 20),
        sequence: 3, openConflicts: [.field("both"): OpenConflict(id: ConflictID(position: 4), version: 2)])
}()

private func row() -> RecordRow { RecordRow(record, rules: .undeclared, changedAtMilliseconds: 1) }

@Suite("the stored form of a state")
struct StoredStateTests {
    /// What is stored has to stay readable, so this text never changes.
    @Test("every kind of unit is written as it always was, and read back")
    func form() throws {
        let events = #"[[0,1,10,null,"u","o1"],[1,1,20,5,"u","o2"]]"#
        let units = [
            #"["f","alone","r",0]"#, #"["f","both","r",0,"x",1,"y"]"#, #"["f","count","c",[0,1,3],[1,1,-1]]"#,
            #"["f","high","x",1,7]"#, #"["f","low","n",0,2]"#, #"["g","place","r",0,{"lat":1}]"#,
            #"["f","tags","s",["x",0,1,1,1],["y",1,1]]"#,
        ]
        let row = row()
        #expect(
            row.state
                == #"{"c":[["f","both",4,2]],"d":[],"e":\#(events),"u":[\#(units.joined(separator: ","))],"w":[0,1]}"#)
        #expect(try row.decoded() == record)
    }

    @Test("fields of one event leave their units out, and older texts that name them are read the same")
    func fieldsOfOneEvent() throws {
        let fields = ["a": first, "b": second, "c": first, "d": first]
        var units = UnitStates()
        for (name, event) in fields {
            units[.field(ExactString(name))] = .register(
                Register(Register.Candidate(value: .string(ExactString(name)), event: event)))
        }
        let record = StoredRecord(
            key: RecordKey(collection: "c", id: "r"),
            state: RecordState(
                clock: ["a": 1, "b": 1], units: units, deletion: DeletionState(writes: [first, second]),
                latestMilliseconds: 20),
            sequence: 3)
        var row = RecordRow(record, rules: .undeclared, changedAtMilliseconds: 1)
        let events = #"[[0,1,10,null,"u","o1"],[1,1,20,5,"u","o2"]]"#
        #expect(row.state == #"{"e":\#(events),"s":0,"u":[["f","b","r",1]],"w":[0,1]}"#)
        #expect(try row.decoded() == record)
        row.state =
            #"{"c":[],"d":[],"e":\#(events),"u":[["f","a","r",0],["f","b","r",1],["f","c","r",0],["f","d","r",0]],"w":[0,1]}"#
        #expect(try row.decoded() == record)
        for damaged in [#""s":7"#, #""s":-1"#, #""s":"a""#] {
            row.state = #"{"e":\#(events),\#(damaged),"u":[],"w":[0,1]}"#
            #expect(throws: StoreError.self) { try row.decoded() }
        }
    }

    @Test(
        "a state that does not fit together is damaged, and nothing is made of it",
        arguments: [
            #""f","alone","r",7"#, #""f","absent","r",0"#, #""f","both","r",0,"x",1"#, #""g","place","r",0"#,
            #""f","high","x",1"#, #""f","high","x",1,7,8"#, #""f","count","c",[0,1]"#, #""f","count","c",[0,1,3,4]"#,
            #""f","count","c",[9,1,3]"#, #""f","tags","s",["x"]"#, #""f","tags","s",["x",0]"#, #""f","tags","s",1"#,
            #""f","alone","q",0"#, #""f","alone""#, #""f","high","x",1,["#,
        ])
    func damaged(unit: String) {
        let whole = row()
        let text = #"{"c":[],"d":[],"e":[[0,1,10,null,"u","o1"],[1,1,20,5,"u","o2"]],"u":[[\#(unit)]],"w":[0]}"#
        let row = RecordRow(
            key: whole.key, sequence: 1, isDeleted: false, isPurged: false, clock: whole.clock, stampMilliseconds: 20,
            fields: whole.fields, siblings: nil, state: text, openConflicts: 0, changedAtMilliseconds: 1)
        #expect {
            try row.decoded()
        } throws: { error in
            guard case StoreError.damaged(let reason) = error else { return false }
            return reason.contains("\(row.key.collection)/\(row.key.id)")
        }
    }
}
