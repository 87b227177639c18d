// A client that has sent its last byte gets no answer.
// killers: test_http_bad
@@
@@
connection_settle(...)
{
<...
- (receiving || endless) && c->ended && !c->is_due
+ c->ended
...>
}
