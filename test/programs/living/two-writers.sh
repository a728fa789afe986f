# Two sqlite3 that write into one database at the same time, and one that reads all the while.
set -e
sqlite3 shared.db 'pragma journal_mode = wal; create table t (writer, n, primary key (writer, n));'
write() {
  {
    echo '.timeout 60000'
    n=0
    while [ $n -lt 150 ]; do
      echo "insert into t values ('$1', $n);"
      n=$((n + 1))
    done
  } | sqlite3 -bail shared.db
}
write a &
first=$!
write b &
second=$!
wait $first
wait $second
sqlite3 shared.db 'select writer, count(*), sum(n) from t group by writer; pragma integrity_check;'
