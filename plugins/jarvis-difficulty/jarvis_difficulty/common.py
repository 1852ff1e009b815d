"""Keywords that are the same in every language, most of them technical names."""

from typing import Final

from jarvis_difficulty.signals import SignalName

KEYWORDS: Final[dict[SignalName, str]] = {
    SignalName.SMALL_TALK: """
        ok, lol
    """,
    SignalName.EXPLAIN: """
        vs
    """,
    SignalName.TECHNICAL: """
        python, java, javascript, typescript, golang, go 1, rust, c++, c++11, c++17, c++20, c#, kotlin, swift,
        scala, ruby, rails, php, laravel, perl, haskell, elixir, lua, matlab, bash, powershell, shell, html,
        css, sass, react, angular, vue, svelte, next.js, node, node.js, npm, yarn, pip, conda, poetry, maven,
        gradle, django, flask, fastapi, spring, spring boot, pandas, numpy, pytorch, tensorflow, keras, scikit
        learn, spark, hadoop, airflow, kafka, rabbitmq, celery, redis, memcached, sql, nosql, mysql, mariadb,
        postgres, postgresql, sqlite, oracle, mongodb, cassandra, dynamodb, elasticsearch, snowflake,
        bigquery, docker, dockerfile, docker compose, podman, kubernetes, k8s, kubectl, helm, terraform,
        ansible, jenkins, gitlab, github, github actions, git, linux, ubuntu, debian, windows, macos, android,
        ios, systemd, nginx, apache, haproxy, aws, azure, gcp, s3, ec2, lambda, cloudfront, http, https,
        http2, tcp, udp, ip, ipv6, tls, ssl, ssh, ftp, smtp, vpn, vlan, dns, dhcp, nat, bgp, oauth, oauth2,
        jwt, saml, sso, ldap, cors, csrf, xss, rest, graphql, grpc, protobuf, websocket, webhook, json, xml,
        yaml, csv, utf 8, unicode, ascii, base64, sha256, md5, aes, rsa, crud, orm, acid, cap, raft, paxos,
        mvcc, b tree, lru, dom, api, sdk, cli, ide, ci cd, devops, prometheus, grafana, opentelemetry, vllm,
        llm, rag, cuda, tpu, ram, bios, raid, excel, vba, google sheets, power bi, latex, arduino, raspberry
        pi, mrna, crispr, pcr, gdpr, gc, p99, p95
    """,
    SignalName.CODE: """
        nullpointerexception, econnrefused, eresolve, enoent, sigsegv, oom, nonetype, py, js, ts, cpp, rs, sh,
        yml, toml, conf, eslint, crashloopbackoff
    """,
    SignalName.MATHS: """
        np hard, p np, log n, black scholes, monty hall
    """,
}
