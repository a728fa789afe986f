# A session of the shell: what scripts and people at terminals do, with the small programs that they do it with.
set -u
part() { printf '== %s\n' "$*"; }

part process substitution and here documents
diff <(seq 1 5) <(seq 2 6)
cat <<-END - /dev/fd/3 3<<<'here string'
	here document: $((1 << 10)) ${PATH:0:1}
END
tee >(wc -l >lines) >(tr a-z A-Z >upper) < <(printf 'one\ntwo\n') >/dev/null
# The shell doesn't wait for them.
for name in lines upper; do until [ "$(cat "$name" 2>/dev/null | wc -c)" -gt 1 ]; do sleep 0.01; done; done
cat lines upper
mapfile -t numbers < <(seq 3)
echo "${numbers[@]}"
coproc sed -u 's/^/co-/'
echo process >&"${COPROC[1]}"
read -r line <&"${COPROC[0]}"
exec {COPROC[1]}>&-
wait
echo "$line"
exec 9<>both
printf 'read and write\n' >&9
head -n 1 /proc/self/fd/9
exec 9>&-

part pipes and jobs
mkfifo pipe
seq 1000 >pipe &
awk '{ sum += $1 } END { print sum }' pipe
wait $!
for n in 1 2 3 4; do (sleep 0.0$n; exit "$n") & done
status=0
while wait -n; ret=$?; [ $ret -ne 127 ]; do status=$((status + ret)); done
echo "statuses $status"
trap 'echo trapped' USR1
kill -USR1 $$
yes | head -n 3 | sort -u
echo "${PIPESTATUS[@]}"
timeout 0.05 sleep 100
echo "timeout $?"
(ulimit -n 20; ulimit -n)
flock lock -c 'echo locked'
nohup sh -c 'echo not hung up' 2>/dev/null
setsid -w sh -c 'echo a session of its own'
env -i /bin/sh -c 'echo "${HOME-no home}"'

part dash
dash -c 'f() { echo "$# $1"; }; f a b; set -- x y; for i; do echo "$i"; done; cat <<E
$(echo nested)
E'

part perl
perl -MPOSIX=strftime -MTime::HiRes=ualarm -MList::Util=sum -MStorable=dclone -MSocket -MDigest::SHA=sha1_hex -e '
  pipe my $r, my $w or die; my $pid = fork // die; if (!$pid) { print $w "from the child\n"; exit 7 } close $w;
  print <$r>; waitpid $pid, 0; print $? >> 8, "\n"; my $d = dclone({ a => [1, 2] }); print sum(@{ $d->{a} }), " ", sha1_hex("x"), "\n";
  socketpair my $a, my $b, AF_UNIX, SOCK_STREAM, 0 or die; syswrite $a, "through a socket\n"; sysread $b, my $t, 99; print $t;
  local $_ = "x1y22"; s/(\d+)/<$1>/g; print "$_\n"; print strftime("%Y", gmtime 0), "\n"; print `echo from a command`;
  local $SIG{ALRM} = sub { die "alarm\n" }; eval { ualarm 20_000; select undef, undef, undef, 100 }; print $@'

part archives
mkdir -p tree/a tree/b
for n in $(seq 40); do seq "$n" $((n * 50)) >"tree/$([ $((n % 2)) = 0 ] && echo a || echo b)/$n"; done
ln -s a/2 tree/link
ln tree/a/2 tree/hard
for z in gzip xz; do
  tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C tree -cf "$z.tar" --use-compress-program="$z" .
  mkdir "out-$z"
  tar -C "out-$z" -xf "$z.tar"
  diff -r tree "out-$z" && echo "$z the same"
done
xz -T2 --block-size=20000 -c xz.tar | xz -dc | cmp - xz.tar && echo threads
find tree -type f -print0 | sort -z | xargs -0 -n 5 -P 4 sha256sum | sort -k2 | cksum
find tree -name '1*' -exec sh -c 'wc -l "$1"' - {} \; | sort
cp -a --sparse=always tree copied
diff -r tree copied && echo copied

part text
seq 2000 | sort -R --random-source=<(yes) | sort -n --parallel=4 -S 1M | cksum
seq 100 | split -l 30 - piece. && ls piece.* | tr '\n' ' '
seq 100 | paste -sd+ | xargs -I{} awk 'BEGIN { print {} }'
printf 'b 2\na 1\n' | sort | join - <(printf 'a x\nb y\n')
grep -rlP '^4\d$' tree | wc -l
sed -n '/^3$/,/^5$/p' tree/a/2 | tr '\n' ' '
dd if=/dev/zero bs=1M count=8 status=none | sha256sum
head -c 100000 /dev/urandom | od -An -tx1 | tr -d ' \n' | wc -c
comm -12 <(seq 11 30) <(seq 25 45) | tr '\n' ' '
printf '%s\n' "$(date -u -d @0 +%FT%TZ)"
stat -c '%s %F' tree/a/2 tree/link

part keys
ssh-keygen -q -t ed25519 -N '' -f key -C comment
ssh-keygen -y -f key | diff - <(cut -d' ' -f1,2,3 key.pub) && echo ed25519
ssh-keygen -q -t ecdsa -N secret -f key2
echo signed >message
ssh-keygen -Y sign -q -n file -f key message 2>/dev/null
ssh-keygen -Y check-novalidate -n file -s message.sig <message | cut -d' ' -f1-3
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa.pem 2>/dev/null || openssl genpkey -algorithm RSA -out rsa.pem 2>/dev/null
openssl dgst -sha256 -sign rsa.pem -out signature message
openssl pkey -in rsa.pem -pubout -out public.pem
openssl dgst -sha256 -verify public.pem -signature signature message
openssl enc -aes-256-cbc -pbkdf2 -k password -in xz.tar | openssl enc -d -aes-256-cbc -pbkdf2 -k password | cmp - xz.tar && echo decrypted
openssl dgst -blake2s256 message
