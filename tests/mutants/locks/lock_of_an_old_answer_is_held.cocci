// The answer to a request for a lock is believed although the session has ended since, in a snapshot.
// killers: test_fs
@@
@@
fs_lock_taken(...)
{
<...
- if (stands)
- fs_lock_granted(w, session);
- else
- ask_again(w);
+ fs_lock_granted(w, stands ? session : session);
...>
}
