import Testing

/// Tests that start processes, one after another: each of them may take both of a small machine's cores.
@Suite("the built server as a process", .serialized, .timeLimit(.minutes(Soak.isOn ? 60 : 5)))
enum ProcessTests {}
