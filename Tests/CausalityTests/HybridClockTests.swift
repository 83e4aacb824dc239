import Causality
import Testing

@Suite("a hybrid clock never runs behind what it has seen")
struct HybridClockTests {
    @Test("a tick is above every stamp observed and every tick before, whatever the device's clock says")
    func aboveEverythingSeen() {
        let deviceTimes: [Int64] = [1000, 1001, 1001, 5, -40, 999_999, 1000, 1000]
        let observed: [Int64] = [0, 4000, 3999, 4001, 4001, 7, 2_000_000, 1]
        for start in deviceTimes.indices {
            var clock = HybridClock()
            var greatest = Int64.min
            for step in deviceTimes.indices {
                let index = (start + step) % deviceTimes.count
                clock.observe(stampMilliseconds: observed[index])
                greatest = max(greatest, observed[index])
                let tick = clock.tick(deviceMilliseconds: deviceTimes[index])
                #expect(tick > greatest, "start \(start), step \(step)")
                greatest = tick
            }
        }
    }

    @Test("while nothing is ahead of it, it tells the device's time in server time")
    func followsTheDevice() {
        var clock = HybridClock(offsetMilliseconds: 50)
        #expect(clock.tick(deviceMilliseconds: 1000) == 1050)
        #expect(clock.tick(deviceMilliseconds: 2000) == 2050)
    }

    @Test("the offset is learned against the middle of the exchange", arguments: [Int64(0), 40, 41, 3000])
    func offset(roundTripMilliseconds: Int64) {
        let ahead: Int64 = 31_536_000_000
        var clock = HybridClock()
        // The device is a year ahead; the server's clock is read half-way.
        let sent = 1_000_000 + ahead
        clock.learn(
            serverMilliseconds: 1_000_000 + roundTripMilliseconds / 2, sentAtDeviceMilliseconds: sent,
            receivedAtDeviceMilliseconds: sent + roundTripMilliseconds)
        #expect(clock.offsetMilliseconds == -ahead)
        #expect(clock.tick(deviceMilliseconds: sent) == 1_000_000)
    }

    @Test("edge 17: a device clock that is set back between two edits does not order the second before the first")
    func setBack() {
        var clock = HybridClock()
        let first = clock.tick(deviceMilliseconds: 10_000)
        let second = clock.tick(deviceMilliseconds: 2_000)
        #expect(second == first + 1)
    }

    @Test("an old stamp does not turn the clock back")
    func oldStamp() {
        var clock = HybridClock()
        clock.observe(stampMilliseconds: 900)
        clock.observe(stampMilliseconds: 100)
        #expect(clock.latestMilliseconds == 900)
    }
}
