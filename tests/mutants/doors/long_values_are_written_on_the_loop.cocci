// A long value is written into the answer on the loop.
// killers: test_http_work
@@
@@
http_answer(...)
{
<...
- http_job(request->http, &request->job, answer_write, on_answer_written, request);
+ answer_write(request); on_answer_written(request);
...>
}
