"""The English keywords, and the words by which English is recognised."""

from typing import Final

from jarvis_difficulty.signals import SignalName

FUNCTION_WORDS: Final = """
    the is are was were been what how why when where who which whose do does did doing could should would
    will might must may you your my we our they their them he she his her it its this that these those
    there of to and for with on at from by about into than then an have has had not but or if because
    while please hi hey hello thanks thank thx yes im ive whats hows dont doesnt cant isnt any some all
    every each between without out up down off can get got give me make write tell say one two three only
    good morning night in as be no am
"""

KEYWORDS: Final[dict[SignalName, str]] = {
    SignalName.SMALL_TALK: """
        hi, hi there, hello, hey, good morning, good afternoon, good evening, good night, how are you, how is
        it going, how's it going, what's up, nice to meet you, thanks, thank you, thx, cheers, bye, goodbye,
        see you, have a nice, have a great, happy birthday, congratulations, who are you, what can you do,
        your name, tell me a joke, jokes, fun fact, sing, rhyme, lol, haha, sure, great, perfect, awesome,
        that worked, it worked, sounds good, i'm bored, make me laugh, how was your day, hope you, ok, okay,
        cool, nice, lovely, welcome, sorry, love, weekend, happy, good, yes, no, no worries, morning, night
    """,
    SignalName.LOOKUP: """
        what is the capital, what's the capital, capital of, capital city, who wrote, who invented, who
        discovered, who painted, who won, who directed, who played, when was, when did, what year, which year,
        what date, what time, where is, where are, which language, which country, which city, which team, how
        tall, how far, how long is, how many are there, how many days, how many hours, how many minutes, how
        many people, how much is, how much does, how deep, how big, how heavy, what color, what colour, stand
        for, stands for, what is the name of, short for, what does it mean, how do you say, how do you spell,
        how do you pronounce, synonym, synonyms, antonym, antonyms, another word for, opposite of, plural of,
        past tense, rhymes with, yes or no, true or false, quick question, give me five, name three, name a,
        list three, list five, ideas for, name for, names for, slogan, caption, tweet, in celsius, in
        fahrenheit, in miles, in kilometers, in inches, by default, one word answer, phone number, opening
        hours, address of, symbol of, chemical symbol, in order of, time zone, the title of, a title for, is
        bigger, which is bigger, free or paid, open source, who founded, who created, who makes, first
        released, who maintains, random number, how do i say, how would you say, how do i spell, how do i
        pronounce, currency of, record for, your favourite, your favorite, what's the plural, pick a, made by,
        who, who's, whos, which, when, whens, where, where's, what's, whats, called, capital,
        how old, how high, how long does, how often
    """,
    SignalName.BRIEF: """
        one line, one word, word, words, one sentence, sentence, short, briefly, quick, line, lines, just,
        name, nothing else, title, message, letter, letters, dice, spell, plural, card, joke, language,
        please, pls, english, spanish, french, polite, casual, formal, greeting, typos, in short, in a word,
        max
    """,
    SignalName.REWRITE: """
        translate, translation of, translated, summarise, summarize, summary of, sum up, tl dr, tldr, shorten
        this, rephrase, reword, paraphrase, rewrite this, proofread, spell check, fix the spelling, fix my
        spelling, fix the grammar, fix my grammar, correct the spelling, correct the grammar, correct this
        sentence, check my grammar, check the spelling, sound more, more polite, more formal, more casual,
        friendlier, alphabetical order, alphabetically, remove duplicates, remove doubles, bullet points,
        which of these, which of the following, copy the, find the line, extract the, extract all, turn this
        into a list, write an email, write a short, write a poem, write a haiku, write a message, birthday
        card, birthday message, thank you note, out of office, subject line, cover note, shorten, shorter,
        condense, simplify this sentence, in plain english, fix this sentence, polish this, make it shorter,
        make it sound, write a tweet, write a caption, write a toast, write a thank you, turn this into one,
        into one sentence, polite sentence, one polite, clean up the grammar, the grammar, my grammar, the
        spelling, my spelling
    """,
    SignalName.EXPLAIN: """
        explain, explains, explaining, explanation, describe, elaborate, how do i, how do we, how do you, how
        can i, how would you, how to, how does, how do, how did, how is, how are, what does this mean, what
        happens when, what is the difference, what's the difference, difference between, differences between,
        differ from, why does, why do, why is, why are, why did, show me how, with an example, with examples,
        example of, tutorial, walk me through, guide me, guide to, instructions, set up, setup, configure,
        configuration, install, installing, fix, fixing, repair, solve this, troubleshoot, debug, debugging,
        not working, stopped working, doing wrong, what am i doing wrong, get rid of, fails, failing, crashes,
        crashing, prints nothing, returns nothing, throws, idiomatic, best practice, best practices,
        recommended way, implement, implementing, write code, refactor, rewrite, convert this, port this,
        optimise, optimize, look like, how much notice, am i allowed, rules for, requirements for, symptoms,
        causes of, side effects, treatment, when is it useful, what does the, proper way, right way, correct
        way, easiest way, what do i check, find out why, i keep getting, keep getting, sort a, filter a,
        generate a, create a, build a, make a, add a, set the, connect to, run a, convert a, check if, make
        this, speed up, faster, slow, what happens to, apply for, do i have to, permission denied, how come,
        steps to, need a, need to, help me, feel like, how is it, what now, walk me, add pagination, file a,
        filing a, where do i start, i want a, i need a, means when, mean and, how, example, examples,
        difference, steps, mean, means, works, work, use, used, using, purpose, point of
    """,
    SignalName.TECHNICAL: """
        algorithm, algorithms, data structure, linked list, hash table, hash map, binary tree, binary search,
        recursion, complexity, big o, function, functions, method, class, classes, object, objects, interface,
        inheritance, pointer, pointers, variable, variables, array, arrays, list comprehension, dictionary,
        string, strings, loop, loops, closure, closures, generics, type, types, typed, thread, threads, thread
        safe, multithreading, concurrency, concurrent, parallel, async, asynchronous, await, coroutine,
        coroutines, goroutine, channel, mutex, lock, locks, deadlock, race condition, semaphore, garbage
        collection, garbage collector, memory leak, leak, leaks, heap, stack, buffer, cache, caching,
        eviction, compiler, compile, interpreter, runtime, library, libraries, framework, dependency,
        dependencies, package, module, import, script, scripts, code, coding, program, programming, software,
        bug, bugs, error, errors, exception, exceptions, stack trace, traceback, segfault, log, logs, logging,
        unit test, unit tests, integration test, mock, test suite, regex, regular expression, parse, parser,
        parsing, encode, encoding, serialize, endpoint, endpoints, backend, frontend, front end, web server,
        server, servers, request, requests, response, header, headers, cookie, session, token, tokens,
        authentication, authorization, encryption, encrypt, certificate, certificates, handshake, round trip,
        protocol, protocols, network, networks, router, firewall, port, proxy, reverse proxy, load balancer,
        dns, subnet, bandwidth, latency, throughput, database, databases, schema, table, tables, row, rows,
        column, columns, query, queries, index, indexes, primary key, foreign key, join, transaction,
        transactions, isolation level, replication, replica, replicas, shard, sharding, partition, partitions,
        migration, migrations, query plan, stored procedure, backup, distributed, distributed systems,
        microservice, microservices, monolith, service, services, message queue, event driven, consumer,
        producer, leader election, consensus, quorum, container, containers, image, pod, pods, cluster, node,
        nodes, deploy, deployment, pipeline, rollback, production, staging, environment variable, command
        line, terminal, branch, commit, rebase, merge, merge conflict, pull request, repository, machine
        learning, neural network, deep learning, training data, overfitting, gradient, gradient descent,
        backpropagation, transformer, attention, embedding, embeddings, classifier, regression, cpu, gpu,
        kernel, operating system, virtual memory, file system, filesystem, disk, ssd, driver, firmware, bios,
        browser, spreadsheet, formula, pivot table, vlookup, api, apis, websocket, websockets, cron, config,
        csv, tls, immune system, vaccine, virus, bacteria, protein, enzyme, cell, cells, neuron,
        photosynthesis, dna, rna, gene, evolution, molecule, atom, electron, quantum, relativity, gravity,
        thermodynamics, entropy, voltage, current, circuit, resistor, transistor, engine, combustion,
        pressure, dose, dosage, diagnosis, infection, insulin, blood pressure, antibiotic, antibiotics,
        compound interest, interest rate, mortgage, inflation, bond, bonds, stock, dividend, depreciation,
        amortization, balance sheet, cash flow, tax, taxes, vat, invoice, law, legal, contract, clause,
        liability, employment, employer, notice, lease, copyright, patent, license, gdpr, regulation,
        standard, test, tests, file, files, write a
    """,
    SignalName.CODE: """
        segmentation fault, undefined reference, exit code, npm err
    """,
    SignalName.MATHS: """
        theorem, lemma, equation, equations, integral, integrals, integrate, derivative, derivatives,
        differentiate, matrix, matrices, determinant, eigenvalue, eigenvalues, eigenvector, vector space,
        polynomial, polynomials, prime, primes, prime numbers, irrational, rational number, real numbers,
        integer, integers, natural numbers, divisible, divisor, modulo, square root, sqrt, logarithm,
        exponent, converges, convergence, limit of, sequence, recurrence, closed form, induction,
        contradiction, bijection, injective, surjective, continuous, differentiable, topology, isomorphism,
        triangle, circle, polygon, angle, angles, hypotenuse, geometry, geometric, probability, expected
        value, variance, standard deviation, distribution, random variable, bayes, combinations, permutations,
        combinatorics, binomial, graph theory, np hard, np complete, worst case, lower bound, upper bound, n
        log n, fibonacci, pigeonhole, solve for, remainder, divided by, perimeter, slope, factorial,
        inequality, there exists, infinitely many, at random, fair coin, urn, odds, chance that, subsets, x
        axis, radius, diameter, odd numbers, even numbers, odd number, even number, rectangle, rectangular,
        sides, expected number, on average, coin flips, multiple of, multiples, multiples of
    """,
    SignalName.COMPARE: """
        compare, compares, comparing, comparison, contrast, versus, vs, advantages, disadvantages, which would
        you, which you would, which one you would, you would choose, better than, better option, choose
        between, choosing between, decide between, or should, should we, should i, should they, should a, is
        it worth, worth it, worth the, weigh, weighing, both sides, each side, what would you do, more
        convincing, most convincing, fair, fairer, ethical, ethically, moral, morally, should our, should my,
        should the, should you, would you rather, is it ever right, justified, can't decide, decision,
        dilemma, torn between, what do we give up, give up, in return, in exchange, opportunity cost, job
        offer, stay or, leave or, what am i missing, is it better, better to, better for, what are my options,
        which option, which one, holds up best, competing explanations, smarter to, or wait, protects,
        convince me, smarter, wiser, more sensible, wisest, be justified, on what grounds, acceptable, better
        off, be wrong to, more, less, than, better, best, worse, right, wrong, true, worth, or, bad, bad idea,
        good idea, fewer, higher, lower, cheaper, longest, shortest, fastest, still, really, enough, yet, but,
        decide
    """,
    SignalName.REASONING: """
        design a, design an, design the, design our, design me, designing, redesign our, redesign the,
        architect, architecture for, plan it, plan a, plan an, plan the, plan our, plan my, plan for,
        migration plan, planning, plan to, roadmap, strategy, strategies, draw up, itinerary, business model,
        propose, proposal, prioritise, prioritize, allocate, timetable, rota, curriculum, in what order,
        scheduling, work schedule, schedule for, organise a, organize a, organise the, organize the, arrange
        a, arrange the, on call rotation, seating plan, seating chart, structure a, invent a, stages, go
        wrong, step plan, week plan, day plan, training plan, study plan, business plan, prove, proves,
        proving, proof, disprove, derive, derivation, deduce, show that, demonstrate that, counterexample,
        counter example, by induction, by contradiction, optimality, analyse, analyze, analysing, analyzing,
        analysis, evaluate, evaluating, assess, assessing, assessment, critique, critically, argue, argues,
        argument, arguments, justify, justification, reasoning, reason about, reason through, infer,
        inference, hypothesis, hypotheses, assumption, assumptions, implications, implication, consequences,
        trade off, trade offs, tradeoff, tradeoffs, root cause, root causes, underlying cause, most likely
        cause, likely cause, diagnose, investigate, postmortem, post mortem, rule out, narrow down, what would
        you check, think through, think carefully, work it out, work out, figure out, don't look it up, how do
        you know, find out which, find out who, determine, determine whether, logically, logic puzzle, puzzle,
        riddle, paradox, thought experiment, philosophical, philosophy, free will, consciousness, game theory,
        incentives, optimal, optimum, liars, coins, balance scale, puzzles, minimise, minimize, maximise,
        maximize, sensitivity, breaks down, strongest case, steelman, what would you, what should i consider,
        possible causes, what could be, be the cause, necessarily, it follows, follows that, contradict,
        verdict, fastest way, fewest, minimum number, maximum number, how many ways, how might, might there
        be, second order, is it ever, could ever, can ever, really understand, truly understand, should
        humans, moral duty, human rights, ballpark, ruled out, where would you look, what happened, what
        changed, seating, roster, shifts, round robin, always lies, who owns, measure exactly, train leaves,
        two trains, years ago, for and against, unintended consequences, flaw, fallacy, therefore, valid
        argument, estimate, estimation, guesstimate, fit in a, fit into, biggest possible, largest possible,
        smallest possible, explain your reasoning, deterministic, why did the, what explains, theories, in
        order of likelihood, undecidable, halting problem, breaks first, different colour, different color,
        would it take, how likely, counter argument, counterargument, counterarguments, rebut, rebuttal,
        weaknesses, limitations, drawbacks, downsides, merits, why might, discrepancy, reconcile, forecast,
        predict, scenario, scenarios, contingency, mitigate, who is right, persuade, negotiate, negotiation,
        criticise, criticize, poke holes, alibi, suspects, next number, syllogism, if all, can we know, for
        certain, objective truth, the soul, nature of, defend your, to blame, more blame, whose fault, reason
        it out, think about where, nobody can reproduce, cannot reproduce, how sure, convince, believe,
        roughly, find out, missing, agreement, cause, causes, why not, how many
    """,
    SignalName.CONSTRAINTS: """
        must, must not, at most, at least, at once, up to, only, only once, exactly, without, within, cannot,
        can't, may not, never, always, no one, none of, neither, nor, unless, except, either, each of, every,
        all of, limited to, limit, constraint, constraints, subject to, provided that, deadline, requirement,
        requirements, while keeping, guarantee, guarantees, ensure, per second, per day, a day, in total, the
        rest, the same, different, lies, liar, truth, older than, younger than, taller than, to the left of,
        next to, before, after, consecutive, in a row, in months, million users, team of, budget, downtime,
        high availability, fault tolerant, fault tolerance, scalable, scalability, multi region, several
        regions, across regions, phases, risk, risks, stakeholders, runway, headcount, careful, carefully,
        likely, long term, conclude, conclusion, under which, under what, would it, intermittent,
        intermittently, sometimes, sporadic, only happens, no errors, since the release, since monday, since
        yesterday, went from, dropped from, each, same, none, twice, all, any, most, least, left, until,
        between, both, other, another, others, rest, back, nothing, half, alone
    """,
    SignalName.HYPOTHESIS: """
        would, if, could, might, can, should, ever, suppose, imagine, possible, what if, assume, assuming,
        given that, do we, do i, what would
    """,
    SignalName.PEOPLE: """
        we, our, us, he, she, her, his, him, they, their, them, everyone, everybody, people, mum, mom, dad,
        mother, father, parents, brother, sister, son, daughter, wife, husband, friend, friends, boss,
        colleague, kids, kid, child, children, customer, customers, client, clients, team, family, wants,
        says, said, partner, neighbour, neighbor, patients, employees, staff, students, nobody
    """,
    SignalName.FIGURES: """
        two, three, four, five, six, seven, eight, nine, ten, eleven, twelve, twenty, thirty, fifty, hundred,
        thousand, million, dozen, double, triple, percent, mph, km h, litres, liters, forty, third, quarter
    """,
}
