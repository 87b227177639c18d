// The moment to wait for a quorum begins anew with each request.
// killers: test_writes
@@
@@
writes_submit(struct replica *r, ...)
{
+ quorum_begin(r);
...
}
