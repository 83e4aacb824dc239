import RejoinProcesses
import Testing

extension ProcessTests {
    @Suite("rejoin demo")
    struct DemoTests {
        @Test("the demo tells its story to the end, in time, and leaves nothing behind")
        func story() async throws {
            try await withTemporaryDirectory { directory in
                let began = ContinuousClock.now
                let demo = try await runRejoin("demo", environment: ["TMPDIR": directory], directory: directory)
                #expect(ContinuousClock.now - began < .seconds(10))
                #expect(demo.exit == .code(0) && demo.errors == "", "\(demo.errors)")
                for chapter in 1...5 { #expect(demo.output.contains("\n\(chapter). "), "\(demo.output)") }
                for word in ["#1 ", "open", "manual", "delete", "Nothing was lost silently"] {
                    #expect(demo.output.contains(word), "\(demo.output)")
                }
                #expect(try files(in: directory) == [])
            }
        }
    }
}
