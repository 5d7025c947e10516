import HoldfastCore
import HoldfastEngine

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// Where PostgreSQL's programs lie, and how a server of them is started.
struct ServerPrograms {
  /// The folder of `initdb`, `pg_ctl` and `psql`.
  let folder: String

  /// Carried out by a shell: starts the server, then takes orders from its input until that closes.
  private static let script = """
    folder=$1 programs=$2 port=$3 syncs=$4 user=$5 password=$6 database=$7
    PATH=$programs:$PATH; export PATH
    unset PGHOST PGPORT PGUSER PGDATABASE PGOPTIONS PGSERVICE
    log=$folder/log data=$folder/data
    client() { psql -X -q -v ON_ERROR_STOP=1 -h "$folder" -p "$port" -U "$user" "$@"; }
    create() {
      printf '%s' "$password" > "$folder/password" &&
      initdb -D "$data" -U "$user" --pwfile="$folder/password" --auth-local=trust \\
        --auth-host=scram-sha-256 -E UTF8 --locale=C -N &&
      cat >> "$data/postgresql.conf" <<END
    port = $port
    listen_addresses = '127.0.0.1'
    unix_socket_directories = '$folder'
    max_connections = 400
    fsync = $syncs
    max_prepared_transactions = 4
    END
    }
    up() {
      [ -d "$data" ] || { create && fresh=yes; } || return
      pg_ctl -D "$data" -w -t 60 -l "$log" start || return
      [ -z "${fresh:-}" ] || { fresh=; client -d postgres -c "CREATE DATABASE $database"; }
    }
    down() { pg_ctl -D "$data" -w -m "$1" stop; }
    while read -r verb rest; do
      case $verb in
        up) up ;;
        down) down "$rest" ;;
        sql) client -d "$database" -c "$rest" ;;
        *) false ;;
      esac >> "$log" 2>&1 < /dev/null
      echo "done $?"
    done
    down immediate >> "$log" 2>&1
    rm -rf "$folder"
    """

  /// Looks for the programs on the path and where Debian puts them.
  ///
  /// - Returns: The newest version's.
  /// - Throws: `unavailable`, saying how to get them.
  static func find() throws(StoreError) -> ServerPrograms {
    let path = getenv("PATH").map { String(cString: $0) } ?? ""
    var folders = path.split(separator: ":").map(String.init)
    // Newest first, by number.
    for version in (15...40).reversed() { folders.append("/usr/lib/postgresql/\(version)/bin") }
    let needed = ["initdb", "pg_ctl", "postgres"]
    for folder in folders where needed.allSatisfy({ access("\(folder)/\($0)", X_OK) == 0 }) {
      return ServerPrograms(folder: folder)
    }
    throw StoreError(
      .unavailable, "PostgreSQL is not installed, and the tests need it.",
      hint: "Install it: apt-get install postgresql")
  }

  /// What a test is told when the server does not do as it should.
  static func trouble(_ what: String, _ folder: String) -> StoreError {
    StoreError(
      .unavailable, "The private PostgreSQL failed: \(what).", hint: "Look at \(folder)/log.")
  }

  /// Makes the server's folder, the property of the user that it will run as.
  func makeFolder() throws(StoreError) -> String {
    // Not where TMPDIR says: the path of the server's socket may not be long.
    let folder = try TemporaryFolder.make("holdfast-pg", in: "/tmp")
    if geteuid() == 0 {
      guard let user = getpwnam("postgres") else {
        throw StoreError(
          .unavailable, "PostgreSQL does not run as root, and there is no user postgres.",
          hint: "Run the tests as another user, or add the user postgres.")
      }
      chown(folder, user.pointee.pw_uid, user.pointee.pw_gid)
    }
    return folder
  }

  /// Starts the shell that carries out orders.
  ///
  /// It has a process group of its own, so that an interrupt at the terminal does not reach it: it
  /// must outlive the tests by the moment that it takes to clean up.
  ///
  /// - Parameters:
  ///   - folder: The server's folder.
  ///   - port: Its loopback port.
  ///   - syncs: Whether it waits for the disk.
  /// - Returns: Our end of the socket to the shell.
  /// - Throws: `unavailable`, saying what failed.
  func spawnShell(folder: String, port: Int, syncs: Bool) throws(StoreError) -> Int32 {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
      throw Self.trouble("no socket (error \(errno))", folder)
    }
    defer { close(ends[1]) }
    // An order that hangs must not hang every test behind it.
    var patience = timeval(tv_sec: 180, tv_usec: 0)
    setsockopt(
      ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    let asUser = geteuid() == 0 ? ["runuser", "-u", "postgres", "--"] : []
    let words =
      asUser + ["sh", "-c", Self.script, "holdfast-pg", folder, self.folder, String(port)]
      + [syncs ? "on" : "off"]
      + [PrivatePostgres.user, PrivatePostgres.password, PrivatePostgres.database]
    guard Self.spawn(words, inputAndOutput: ends[1]) else {
      close(ends[0])
      throw Self.trouble("its shell did not start", folder)
    }
    return ends[0]
  }

  private static func spawn(_ words: [String], inputAndOutput end: Int32) -> Bool {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, end, 0)
    posix_spawn_file_actions_adddup2(&actions, end, 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    var arguments = words.map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    var child = pid_t()
    return posix_spawnp(&child, words[0], &actions, &attributes, &arguments, environ) == 0
  }
}
