/// A data directory as initdb makes it: made once in a process, and copied for each of its clusters, which takes a tenth
/// of the time. (So these clusters share a system identifier. Nothing compares it but a standby with its primary.)
struct Seed: Sendable {
    /// The size of a segment of the log, in megabytes; PostgreSQL's own is 16.
    static let walSegment = 16

    private let keeper: Keeper
    private let directory: String

    private static let shared = Result { () throws(PostgreSQLClusterError) in
        var place = try Keeper.Place(named: "seed")
        place.moveDataToMemory()
        let installation = try Installation.find()
        let keeper = try Keeper(place, installation)
        try initialise(place.data, in: place.root, walSegment: walSegment, installation)
        return Seed(keeper: keeper, directory: place.data)
    }

    /// Copies it into an empty directory.
    /// - Parameter root: of the cluster it is for.
    static func copy(
        to directory: String, in root: String, _ installation: Installation
    ) throws(PostgreSQLClusterError) {
        let seed = try shared.get()
        _ = try Subprocess.run(
            installation.asServerUser(
                ["cp", "--archive", "--reflink=auto", "\(seed.directory)/.", directory], in: root))
    }

    /// Makes one in an empty directory.
    /// - Parameters:
    ///   - root: of the cluster it is for.
    ///   - walSegment: the size of the files of the log, in megabytes.
    static func initialise(
        _ directory: String, in root: String, walSegment: Int, _ installation: Installation
    ) throws(PostgreSQLClusterError) {
        _ = try Subprocess.run(
            installation.asServerUser(
                [
                    installation.program("initdb"), "--pgdata=\(directory)",
                    "--username=\(PostgreSQLCluster.superuser)", "--encoding=UTF8", "--locale=C", "--auth=trust",
                    "--wal-segsize=\(walSegment)", "--no-sync", "--no-instructions",
                ], in: root))
    }
}
