import MergeCore
import SyncWire
import Testing

@testable import SyncEngine

@Suite("the seats of readers")
struct ReaderSeatsTests {
    @Test("a device has its share of its tenant's seats, and a seat is free when nobody holds it")
    func shares() throws {
        var limits = EngineLimits()
        limits.readersPerDevice = 2
        limits.readersPerTenant = 3
        let seats = ReaderSeats(limits: limits)
        var held = [try seats.take("acme", .device("mac")), try seats.take("acme", .device("mac"))]
        let own = #expect(throws: Problem.self) { try seats.take("acme", .device("mac")) }
        #expect(own?.code == .rateLimited)
        held.append(try seats.take("acme", .user("mac")))
        let all = #expect(throws: Problem.self) { try seats.take("acme", .device("ipad")) }
        #expect(all?.code == .overloaded)
        let stranger = try seats.take("globex", .device("mac"))
        #expect(seats.count == 4)
        held.removeFirst()
        #expect(seats.count == 3)
        held.append(try seats.take("acme", .device("ipad")))
        withExtendedLifetime((held, stranger)) {}
    }
}
