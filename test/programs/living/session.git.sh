# A session of git: history with branches and merges, packed, cloned in each way, checked, and object ids printed.
set -e
export GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@example.org GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@example.org
at() {
  export GIT_AUTHOR_DATE="$1 +0000" GIT_COMMITTER_DATE="$1 +0000"
}
git config --global init.defaultBranch main
git config --global gc.auto 0
git config --global core.editor true
git config --global protocol.file.allow always

git init -q origin
cd origin
n=0
while [ $n -lt 12 ]; do
  at $((1500000000 + n))
  mkdir -p "folder$((n % 3))"
  seq $((n * 100)) $((n * 100 + 300)) >"folder$((n % 3))/file$n"
  printf 'line %s\n' $n >>log
  git add .
  git commit -q -m "commit $n"
  n=$((n + 1))
done
git tag -a -m 'half of it' half HEAD~6

at 1500001000
git checkout -q -b side HEAD~4
sed -i 's/150/one hundred and fifty/' folder1/file1
git commit -q -a -m 'on the side'
git checkout -q main
at 1500002000
git merge -q --no-edit side
at 1500003000
git checkout -q -b other HEAD~1
echo other >log
git commit -q -a -m 'another log'
git checkout -q main
echo main >>log
git commit -q -a -m 'this log'
git merge other >merge.txt 2>&1 && exit 1
git diff --name-only --diff-filter=U
git show :1:log :2:log :3:log | cksum
git checkout -q --ours log
git add log
at 1500004000
git commit -q --no-edit
git rebase -q --onto HEAD~2 HEAD~1 HEAD
git checkout -q main
git stash list
echo more >>log
git stash -q
git stash pop -q
git diff --stat
git checkout -q log
git cherry-pick --no-commit other~0 2>/dev/null || git reset -q --hard

git log --graph --format='%h %p %s' | cat
git log --format=%H --all --date-order | cksum
git -c pack.threads=2 gc -q --aggressive --prune=now
git count-objects -v | grep -v size
git fsck --full --strict
cd ..

git clone -q --local origin linked
git clone -q "file://$PWD/origin" piped
git clone -q --bare --depth 3 "file://$PWD/origin" shallow.git
git -C origin bundle create -q ../all.bundle --all
git clone -q -b main all.bundle unbundled
git clone -q --mirror origin mirror.git
cd piped
at 1500005000
echo pushed >new
git add new
git commit -q -m 'to be pushed'
git push -q origin HEAD:refs/heads/pushed
git format-patch -q -1
git worktree add -q ../tree HEAD~1
git -C ../tree am -q "$PWD"/0001-to-be-pushed.patch
git -C ../tree rev-parse HEAD^{tree}
git archive --format=tar --prefix=p/ HEAD | tar -t | cksum
# A fixed string would be compiled to machine code, which git insists on.
git grep -c 'line[ ]1' HEAD -- log
git blame -s log | cksum
cd ..
for repository in origin/.git linked/.git piped/.git shallow.git unbundled/.git mirror.git; do
  git -C "$repository" fsck --strict 2>&1 | sort
  echo "$repository $(git -C "$repository" rev-parse HEAD) $(git -C "$repository" for-each-ref | cksum)"
done
git -C origin rev-parse pushed
git -C origin ls-tree -r HEAD
