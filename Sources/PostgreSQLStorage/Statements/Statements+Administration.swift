extension Statements {
    // MARK: People

    static let selectMember = Statement(
        "select member", "SELECT roles FROM members WHERE tenant = $1::text AND \"user\" = $2::text")
    static let selectMembers = Statement(
        "select members",
        "SELECT \"user\", roles, added_at FROM members WHERE tenant = $1::text ORDER BY \"user\"")
    /// The one question that is asked before a tenant is known.
    static let selectMemberships = Statement(
        "select memberships", "SELECT tenant, roles FROM memberships($1::text, $2::bigint)")
    /// Other roles do not change when somebody was added, and the same ones change nothing.
    static let upsertMember = Statement(
        "write member",
        """
        INSERT INTO members AS m (tenant, "user", roles, added_at) VALUES ($1::text, $2::text, $3::text, $4::bigint)
        ON CONFLICT (tenant, "user") DO UPDATE SET roles = excluded.roles WHERE m.roles <> excluded.roles
        """)
    static let deleteMember = Statement(
        "delete member", "DELETE FROM members WHERE tenant = $1::text AND \"user\" = $2::text")
    static let retireLivingDevice = Statement(
        "retire living device",
        """
        UPDATE devices SET retired_at = $3::bigint
        WHERE tenant = $1::text AND device = $2::text AND retired_at IS NULL
        """)

    // MARK: Sessions

    static let insertReviewSession = Statement(
        "begin session",
        """
        INSERT INTO review_sessions (tenant, session, "user", began_at, expires_at, way, browser)
        VALUES ($1::text, $2::text, $3::text, $4::bigint, $5::bigint, $6::text, $7::text)
        """)
    static let selectReviewSessions = Statement(
        "select sessions",
        """
        SELECT session, "user", began_at, expires_at, way, browser FROM review_sessions
        WHERE tenant = $1::text AND expires_at > $2::bigint
        ORDER BY began_at DESC, session DESC LIMIT $3::bigint
        """)
    static let selectReviewSessionsOfUser = Statement(
        "select sessions of user",
        """
        SELECT session, "user", began_at, expires_at, way, browser FROM review_sessions
        WHERE tenant = $1::text AND "user" = $4::text AND expires_at > $2::bigint
        ORDER BY began_at DESC, session DESC LIMIT $3::bigint
        """)
    /// Forgets what has expired, the oldest first, and at most so many. They are an array, as codes are.
    static let forgetReviewSessions = Statement(
        "forget sessions",
        """
        DELETE FROM review_sessions WHERE tenant = $1::text AND session = ANY (ARRAY(
            SELECT session FROM review_sessions WHERE tenant = $1::text AND expires_at < $2::bigint
            ORDER BY expires_at, session LIMIT $3::bigint))
        """)
    static let deleteReviewSession = Statement(
        "delete session", "DELETE FROM review_sessions WHERE tenant = $1::text AND session = $2::text")
    /// A user's, or everybody's where none is named, that began before a time.
    static let deleteReviewSessions = Statement(
        "delete sessions",
        """
        DELETE FROM review_sessions
        WHERE tenant = $1::text AND began_at < $3::bigint AND ($2::text = '' OR "user" = $2::text)
        """)

    // MARK: What was done

    static let insertAdministration = Statement(
        "record administration",
        """
        INSERT INTO administration (tenant, ordinal, recorded_at, actor, act, subject, detail)
        VALUES ($1::text,
            coalesce((SELECT max(a.ordinal) FROM administration a WHERE a.tenant = $1::text), 0) + 1,
            $2::bigint, $3::text, $4::text, $5::text, $6::text)
        """)
    static let selectAdministration = Statement(
        "select administration",
        """
        SELECT ordinal, recorded_at, actor, act, subject, detail FROM administration
        WHERE tenant = $1::text AND ordinal < $2::bigint ORDER BY ordinal DESC LIMIT $3::bigint
        """)
}
