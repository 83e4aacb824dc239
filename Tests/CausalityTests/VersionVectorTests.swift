import Causality
import Testing

private let devices: [DeviceID] = ["a", "b", "c"]

/// All vectors over three devices with counters 0...2.
private let universe: [VersionVector] = (0..<27).map { number in
    VersionVector(
        devices.enumerated().map { index, device in
            VersionVector.Entry(device: device, counter: Int64([1, 3, 9].map { number / $0 % 3 }[index]))
        })
}

/// What a vector means, by the definition: the set of the events that are known.
private func events(_ vector: VersionVector) -> Set<Dot> {
    Set(vector.entries.flatMap { entry in (1...entry.counter).map { Dot(device: entry.device, counter: $0) } })
}

private func order(_ left: Set<Dot>, _ right: Set<Dot>) -> CausalOrder {
    if left == right { return .equal }
    if left.isSubset(of: right) { return .before }
    if left.isSuperset(of: right) { return .after }
    return .concurrent
}

private func isAtMost(_ left: VersionVector, _ right: VersionVector) -> Bool {
    [.before, .equal].contains(left.compare(right))
}

private func isSorted(_ vector: VersionVector) -> Bool {
    zip(vector.entries, vector.entries.dropFirst()).allSatisfy { $0.device < $1.device }
        && vector.entries.allSatisfy { $0.counter >= 1 }
}

@Suite("a version vector is the set of the events that are known")
struct VersionVectorTests {
    @Test("comparing two vectors is comparing two sets of events")
    func comparison() {
        for left in universe {
            for right in universe {
                let expected = order(events(left), events(right))
                #expect(left.compare(right) == expected, "\(left) against \(right)")
                #expect((left == right) == (expected == .equal), "\(left) against \(right)")
            }
        }
    }

    @Test("an absent device counts as zero: what has an entry more is after, not concurrent")
    func absentIsZero() {
        let less: VersionVector = ["a": 1]
        let more: VersionVector = ["a": 1, "b": 1]
        #expect(less.compare(more) == .before)
        #expect(more.compare(less) == .after)
        #expect(VersionVector().compare(less) == .before)
    }

    @Test("the union knows the events of both")
    func union() {
        for left in universe {
            for right in universe {
                let union = left.union(right)
                #expect(events(union) == events(left).union(events(right)), "\(left) with \(right)")
                #expect(isSorted(union), "\(left) with \(right)")
            }
        }
    }

    @Test("'at most' is reflexive, antisymmetric and transitive")
    func partialOrder() {
        for one in universe {
            #expect(isAtMost(one, one))
            for two in universe where isAtMost(one, two) {
                #expect(!isAtMost(two, one) || one == two, "\(one), \(two)")
                for three in universe where isAtMost(two, three) && !isAtMost(one, three) {
                    Issue.record("\(one) ≤ \(two) ≤ \(three), but not \(one) ≤ \(three)")
                }
            }
        }
    }

    @Test("comparing the other way round gives the mirrored answer")
    func mirrored() {
        for left in universe {
            for right in universe {
                let mirror: CausalOrder =
                    switch right.compare(left) {
                    case .equal: .equal
                    case .before: .after
                    case .after: .before
                    case .concurrent: .concurrent
                    }
                #expect(left.compare(right) == mirror)
            }
        }
    }

    @Test("the union is the least upper bound")
    func leastUpperBound() {
        for left in universe {
            for right in universe {
                let union = left.union(right)
                #expect(isAtMost(left, union) && isAtMost(right, union), "\(left), \(right)")
                for bound in universe where isAtMost(left, bound) && isAtMost(right, bound) && !isAtMost(union, bound) {
                    Issue.record("\(bound) is above \(left) and \(right), but not above their union \(union)")
                }
            }
        }
    }

    @Test("the union is commutative, associative and idempotent, and the empty vector is its neutral element")
    func unionAlgebra() {
        for one in universe {
            #expect(one.union(one) == one)
            #expect(one.union(VersionVector()) == one)
            for two in universe {
                #expect(one.union(two) == two.union(one))
                for three in universe where one.union(two).union(three) != one.union(two.union(three)) {
                    Issue.record("not associative: \(one), \(two), \(three)")
                }
            }
        }
    }

    @Test("an event is known exactly when it is in the set")
    func containment() {
        for vector in universe {
            for device in devices {
                for counter in Int64(1)...3 {
                    let dot = Dot(device: device, counter: counter)
                    #expect(vector.contains(dot) == events(vector).contains(dot), "\(dot) in \(vector)")
                }
            }
        }
    }

    @Test("setting an entry changes that entry alone and keeps the canonical form")
    func setting() {
        for vector in universe {
            for device in devices {
                for counter in Int64(0)...3 {
                    let changed = vector.setting(device, to: counter)
                    #expect(changed[device] == counter)
                    #expect(isSorted(changed))
                    for other in devices where other != device { #expect(changed[other] == vector[other]) }
                }
            }
        }
    }

    @Test("entries may come in any order: zeros say nothing, and of several of one device the highest counts")
    func canonicalForm() {
        let entries: [VersionVector.Entry] = [
            .init(device: "c", counter: 1), .init(device: "a", counter: 2), .init(device: "b", counter: 0),
            .init(device: "a", counter: 1),
        ]
        #expect(VersionVector(entries) == ["a": 2, "c": 1])
        #expect(VersionVector(entries.reversed()) == ["a": 2, "c": 1])
        #expect(VersionVector(entries).hashValue == VersionVector(entries.reversed()).hashValue)
        #expect(VersionVector(entries).count == 2)
    }

    @Test("an entry's place is its rank among the entries, and an absent device has none")
    func places() {
        let vector: VersionVector = ["a": 1, "c": 4]
        #expect(vector.index(of: "a") == 0)
        #expect(vector.index(of: "b") == nil)
        #expect(vector.index(of: "c") == 1)
        #expect(vector.index(of: "d") == nil)
    }

    @Test("devices are told apart by bytes, also where Swift's strings are equal")
    func devicesByBytes() {
        let vector: VersionVector = ["caf\u{E9}": 1, "cafe\u{301}": 2]
        #expect(vector.count == 2)
        #expect(vector["caf\u{E9}"] == 1)
        #expect(vector["cafe\u{301}"] == 2)
    }
}
