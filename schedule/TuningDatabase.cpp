// The tuning database: times and winners in SQLite.
//
// A repetition is named by the session that took it and its number there, so that merging twice adds nothing.

#include "schedule/TuningDatabase.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <chrono>
#include <random>
#include <sqlite3.h>

using namespace ssm;
using llvm::Error;
using llvm::Expected;
using llvm::StringRef;

/// `ssmc` as a number, and the version of the tables.
static constexpr int applicationId = 0x73736d63, version = 1;
/// Milliseconds to wait for another writer.
static constexpr int patience = 20000;

static constexpr const char *tables = R"(
CREATE TABLE IF NOT EXISTS variant(
  id INTEGER PRIMARY KEY, description TEXT NOT NULL, target TEXT NOT NULL, mode TEXT NOT NULL, dtype TEXT NOT NULL,
  size_class TEXT NOT NULL, sizes TEXT NOT NULL, machine TEXT NOT NULL, threads INTEGER NOT NULL, schedule TEXT NOT NULL,
  predicted REAL, registers REAL, bytes REAL,
  UNIQUE(description, target, mode, dtype, size_class, sizes, machine, threads, schedule));
CREATE TABLE IF NOT EXISTS sample(
  variant INTEGER NOT NULL REFERENCES variant(id), session TEXT NOT NULL, number INTEGER NOT NULL, seconds REAL NOT NULL,
  PRIMARY KEY(variant, session, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS choice(
  description TEXT NOT NULL, target TEXT NOT NULL, mode TEXT NOT NULL, dtype TEXT NOT NULL, size_class TEXT NOT NULL,
  threads INTEGER NOT NULL, sizes TEXT NOT NULL, machine TEXT NOT NULL, schedule TEXT NOT NULL, median REAL NOT NULL,
  automatic_median REAL NOT NULL, repetitions INTEGER NOT NULL,
  PRIMARY KEY(description, target, mode, dtype, size_class, threads)) WITHOUT ROWID;
)";

namespace ssm {
/// One prepared statement. Values are bound in the order of its question marks.
class Query {
public:
  Query(TuningDatabase &database, const char *sql) : database(database) {
    status = sqlite3_prepare_v2(database.handle, sql, -1, &statement, nullptr);
  }
  ~Query() { sqlite3_finalize(statement); }

  Query &bind(const std::string &text) {
    if (status == SQLITE_OK)
      status = sqlite3_bind_text(statement, ++position, text.data(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
    return *this;
  }
  Query &bind(double number) {
    if (status == SQLITE_OK)
      status = sqlite3_bind_double(statement, ++position, number);
    return *this;
  }
  Query &bind(int64_t number) {
    if (status == SQLITE_OK)
      status = sqlite3_bind_int64(statement, ++position, number);
    return *this;
  }
  Query &bind(const TuningKey &key) {
    return bind(key.description).bind(key.target).bind(key.mode).bind(key.dtype).bind(key.sizeClass);
  }

  /// Whether there is another row.
  Expected<bool> next() {
    if (status == SQLITE_OK)
      status = sqlite3_step(statement);
    if (status == SQLITE_ROW) {
      status = SQLITE_OK;
      return true;
    }
    if (status == SQLITE_DONE)
      return false;
    return database.fail("");
  }
  Error execute() { return next().takeError(); }

  std::string text(int column) const {
    const unsigned char *value = sqlite3_column_text(statement, column);
    return value ? std::string(reinterpret_cast<const char *>(value), sqlite3_column_bytes(statement, column)) : "";
  }
  double number(int column) const { return sqlite3_column_double(statement, column); }
  int64_t integer(int column) const { return sqlite3_column_int64(statement, column); }

private:
  TuningDatabase &database;
  sqlite3_stmt *statement = nullptr;
  int status = SQLITE_OK, position = 0;
};
} // namespace ssm

Error TuningDatabase::fail(StringRef what) {
  return llvm::createStringError("the tuning database " + path + ": " +
                                 (what.empty() ? StringRef(sqlite3_errmsg(handle)) : what));
}

Error TuningDatabase::run(const char *sql) {
  if (sqlite3_exec(handle, sql, nullptr, nullptr, nullptr) != SQLITE_OK)
    return fail("");
  return Error::success();
}

TuningDatabase::~TuningDatabase() { sqlite3_close(handle); }

static std::string newSession() {
  std::random_device random;
  uint64_t words[] = {(uint64_t(random()) << 32) | random(),
                      static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch().count())};
  return llvm::utohexstr(words[0], true) + llvm::utohexstr(words[1], true);
}

/// Tables are made once; a file of another program, or of a later version, is left alone.
Error TuningDatabase::setUp(bool readOnly) {
  sqlite3_busy_timeout(handle, patience);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  session = newSession();
  auto pragma = [&](const char *sql) -> Expected<int64_t> {
    Query query(*this, sql);
    Expected<bool> row = query.next();
    if (!row)
      return row.takeError();
    return *row ? query.integer(0) : 0;
  };
  Expected<int64_t> application = pragma("PRAGMA application_id");
  if (!application)
    return application.takeError();
  Expected<int64_t> found = pragma("PRAGMA user_version");
  if (!found)
    return found.takeError();
  Expected<int64_t> entries = pragma("SELECT count(*) FROM sqlite_master");
  if (!entries)
    return entries.takeError();
  bool isEmpty = *application == 0 && *found == 0 && *entries == 0;
  if (!isEmpty && *application != applicationId)
    return fail("it is a database of another program");
  if (*found > version)
    return fail("it has version " + std::to_string(*found) + ", and this program knows " + std::to_string(version));
  if (readOnly)
    return Error::success();
  if (Error error = run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON"))
    return error;
  if (!isEmpty)
    return Error::success();
  std::string text = std::string("BEGIN IMMEDIATE;") + tables +
                     "PRAGMA application_id=" + std::to_string(applicationId) +
                     ";PRAGMA user_version=" + std::to_string(version) + ";COMMIT;";
  return run(text.c_str());
}

Expected<std::unique_ptr<TuningDatabase>> TuningDatabase::open(const std::string &path, bool readOnly) {
  std::unique_ptr<TuningDatabase> database(new TuningDatabase());
  database->path = path;
  if (!readOnly)
    if (std::error_code code = llvm::sys::fs::create_directories(llvm::sys::path::parent_path(path)))
      return database->fail("its folder cannot be made: " + code.message());
  int flags = readOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
  if (sqlite3_open_v2(path.c_str(), &database->handle, flags, nullptr) != SQLITE_OK)
    return database->fail("");
  if (Error error = database->setUp(readOnly))
    return std::move(error);
  return database;
}

Expected<std::unique_ptr<TuningDatabase>> TuningDatabase::fromText(StringRef text) {
  std::unique_ptr<TuningDatabase> database(new TuningDatabase());
  database->path = "in this program";
  if (sqlite3_open_v2(":memory:", &database->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr) != SQLITE_OK)
    return database->fail("");
  if (Error error = database->setUp(/*readOnly=*/false))
    return std::move(error);
  if (Error error = database->run(text.str().c_str()))
    return std::move(error);
  return database;
}

Error TuningDatabase::addSample(const TuningRun &run, const TuningVariant &variant, double seconds) {
  if (Error error = this->run("BEGIN IMMEDIATE"))
    return error;
  llvm::scope_exit rollback([&] { llvm::consumeError(this->run("ROLLBACK")); });
  Query insert(*this,
               "INSERT OR IGNORE INTO variant(description, target, mode, dtype, size_class, sizes, machine, threads, "
               "schedule, predicted, registers, bytes) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)");
  insert.bind(run.key).bind(run.sizes).bind(run.machine).bind(run.threads).bind(variant.schedule);
  if (Error error = insert.bind(variant.predicted).bind(variant.registers).bind(variant.bytes).execute())
    return error;
  Query sample(*this,
               "INSERT INTO sample SELECT id, ?, ?, ? FROM variant WHERE description=? AND target=? AND mode=? AND "
               "dtype=? AND size_class=? AND sizes=? AND machine=? AND threads=? AND schedule=?");
  sample.bind(session).bind(++samples).bind(seconds).bind(run.key).bind(run.sizes).bind(run.machine);
  if (Error error = sample.bind(run.threads).bind(variant.schedule).execute())
    return error;
  rollback.release();
  return this->run("COMMIT");
}

Expected<std::vector<TuningVariant>> TuningDatabase::variants(const TuningRun &run) {
  Query query(*this,
              "SELECT schedule, predicted, registers, bytes, seconds FROM variant JOIN sample ON variant.id = "
              "sample.variant WHERE description=? AND target=? AND mode=? AND dtype=? AND size_class=? AND sizes=? "
              "AND machine=? AND threads=? ORDER BY variant.id, session, number");
  query.bind(run.key).bind(run.sizes).bind(run.machine).bind(run.threads);
  std::vector<TuningVariant> found;
  while (true) {
    Expected<bool> row = query.next();
    if (!row)
      return row.takeError();
    if (!*row)
      return found;
    if (found.empty() || found.back().schedule != query.text(0))
      found.push_back({query.text(0), query.number(1), query.number(2), query.number(3), {}});
    found.back().seconds.push_back(query.number(4));
  }
}

Error TuningDatabase::setChoice(const TuningRun &run, const TuningChoice &choice) {
  Query query(*this,
              "INSERT OR REPLACE INTO choice(description, target, mode, dtype, size_class, threads, sizes, machine, "
              "schedule, median, automatic_median, repetitions) VALUES (?,?,?,?,?,?,?,?,?,?,?,?)");
  query.bind(run.key).bind(run.threads).bind(run.sizes).bind(run.machine).bind(choice.schedule).bind(choice.median);
  return query.bind(choice.automaticMedian).bind(choice.repetitions).execute();
}

Expected<std::optional<TuningChoice>> TuningDatabase::choice(const TuningKey &key, int64_t threads) {
  Query query(*this,
              "SELECT schedule, median, automatic_median, repetitions, machine, threads FROM choice WHERE "
              "description=? AND target=? AND mode=? AND dtype=? AND size_class=? ORDER BY abs(threads - ?) LIMIT 1");
  query.bind(key).bind(threads);
  Expected<bool> row = query.next();
  if (!row)
    return row.takeError();
  if (!*row)
    return std::nullopt;
  return TuningChoice{query.text(0),    query.number(1), query.number(2),
                      query.integer(3), query.text(4),   query.integer(5)};
}

Error TuningDatabase::merge(const std::string &other) {
  // Opened once by itself, so that a file that is no such database is refused with its own name.
  if (Expected<std::unique_ptr<TuningDatabase>> opened = open(other, /*readOnly=*/true); !opened)
    return opened.takeError();
  Query attach(*this, "ATTACH ? AS other");
  if (Error error = attach.bind(other).execute())
    return error;
  Error error = run(R"(
    BEGIN IMMEDIATE;
    INSERT OR IGNORE INTO variant(description, target, mode, dtype, size_class, sizes, machine, threads, schedule, predicted,
      registers, bytes) SELECT description, target, mode, dtype, size_class, sizes, machine, threads, schedule, predicted,
      registers, bytes FROM other.variant;
    INSERT OR IGNORE INTO sample SELECT mine.id, s.session, s.number, s.seconds FROM other.sample s
      JOIN other.variant o ON o.id = s.variant JOIN main.variant mine USING (description, target, mode, dtype, size_class,
      sizes, machine, threads, schedule);
    INSERT OR IGNORE INTO choice SELECT * FROM other.choice;
    COMMIT;
  )");
  if (error)
    llvm::consumeError(run("ROLLBACK"));
  llvm::consumeError(run("DETACH other"));
  return error;
}

Expected<std::string> TuningDatabase::dump() {
  Query query(*this,
              "SELECT quote(description), quote(target), quote(mode), quote(dtype), quote(size_class), threads, "
              "quote(sizes), quote(machine), quote(schedule), median, automatic_median, repetitions FROM choice");
  std::string text;
  while (true) {
    Expected<bool> row = query.next();
    if (!row)
      return row.takeError();
    if (!*row)
      return text;
    text += "INSERT INTO choice VALUES (";
    for (int column = 0; column < 12; ++column)
      text += (column ? ", " : "") + query.text(column);
    text += ");\n";
  }
}
