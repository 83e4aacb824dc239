/// How two version vectors stand to each other.
///
/// Happened-before is a partial order (Fidge 1988, Mattern 1989): two clocks can be neither before nor after one another.
/// That is why clocks are not `Comparable`; every question has to say what it does with `concurrent`.
public enum CausalOrder: Sendable, Hashable {
    /// Both clocks know the same events.
    case equal
    /// The left clock knows strictly less than the right one.
    case before
    /// The left clock knows strictly more than the right one.
    case after
    /// Each knows something that the other does not.
    case concurrent
}
