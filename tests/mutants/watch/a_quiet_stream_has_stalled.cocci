// A stream without events is cut off as one that does not read.
// killers: test_http_watch
@@
@@
is_quiet(...)
{
<...
- c->phase == HTTP_PHASE_SENDING && request->answer.endless && c->head_sent == request->answer_head_len && c->out_sent == request->out.len
+ false
...>
}
