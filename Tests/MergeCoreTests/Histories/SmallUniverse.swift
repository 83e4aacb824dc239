import Causality
import MergeCore

/// Who did something, and after having seen what: a history without its content.
typealias Shape = [(device: Int, past: EventSet)]

/// All ways in which up to three devices can have made `count` events. Devices are named in the order of their first event.
func shapes(ofEvents count: Int) -> [Shape] {
    guard count > 0 else { return [[]] }
    return shapes(ofEvents: count - 1).flatMap { shape -> [Shape] in
        let used = Set(shape.map(\.device)).count
        return (0...min(used, 2)).flatMap { device -> [Shape] in
            let own = shape.indices.filter { shape[$0].device == device }
            return closedSets(in: shape).filter { past in own.allSatisfy(past.contains) }
                .map { shape + [(device: device, past: $0)] }
        }
    }
}

/// The sets of events that can have arrived: with each event all that its author had seen.
func closedSets(in shape: Shape) -> [EventSet] {
    (0..<UInt64(1) << UInt64(shape.count)).map(EventSet.init).filter { set in
        set.indices.allSatisfy { shape[$0].past.isSubset(of: set) }
    }
}

/// Everything that can be done to one unit in a small universe.
struct SmallUniverse: Sendable, CustomStringConvertible {
    let policy: MergePolicy
    let deletes: DeletePolicy
    let actions: [HistoryEvent.Action]

    var rules: CollectionRules {
        let type: FieldType =
            switch policy.family {
            case .extremum, .counter: .integer
            case .set: .set
            case .register: .json
            case .other: .string
            }
        return CollectionRules(fields: ["f": FieldRule(type: type, merge: policy)], deletes: deletes)
    }

    var description: String { "\(policy.rawValue), \(deletes.rawValue)" }

    /// Every history with `count` events and times from each of the given lists.
    func histories(ofEvents count: Int, times: [[Int64]]) -> [History] {
        let contents = (0..<count).reduce([[HistoryEvent.Action]]([[]])) { lists, _ in
            lists.flatMap { list in actions.map { list + [$0] } }
        }
        let rules = rules
        return shapes(ofEvents: count).flatMap { shape in
            contents.flatMap { content in
                times.map { time in
                    History(
                        rules: rules,
                        events: shape.indices.map {
                            HistoryEvent(
                                device: shape[$0].device, past: shape[$0].past, action: content[$0],
                                milliseconds: time[$0])
                        })
                }
            }
        }
    }
}

/// A few actions of a policy that can meet in every interesting way.
func smallUniverse(_ policy: MergePolicy, deletes: DeletePolicy) -> SmallUniverse {
    let act = { (change: UnitWrite.Change) in
        HistoryEvent.Action.write([UnitWrite(unit: .field("f"), policy: policy, change: change)])
    }
    let actions: [HistoryEvent.Action] =
        switch policy.family {
        case .register: [act(.assign("x")), act(.assign("y")), .delete]
        case .extremum: [act(.assign(1)), act(.assign(2)), .delete]
        case .other: [act(.assign("x")), act(.assign("longer")), .delete]
        case .counter: [act(.increment(1)), act(.increment(-5)), .delete]
        case .set:
            [
                act(.elements(adding: ["x"], removing: [])), act(.elements(adding: [], removing: ["x"])),
                act(.elements(adding: ["x", "y"], removing: ["x"])), .delete,
            ]
        }
    return SmallUniverse(policy: policy, deletes: deletes, actions: actions)
}

let everyPolicy = MergePolicy.allCases
let bothDeletePolicies = DeletePolicy.allCases
