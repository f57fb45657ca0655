-- ---------------------------------------------------------------------------
-- schemes that come with the extension
--
-- Scores of the grids are on a scale from 1 to 10 unless a note says otherwise.
-- ---------------------------------------------------------------------------

INSERT INTO quotetier.scheme (name, kind, note, origin) VALUES
    ('abc', 'pareto', 'ABC analysis: A until 80 % of the value has gone before, B until 95 %, then C.', 'shipped'),
    ('pyramid', 'share', 'Customer pyramid of Curry and Curry: the first 1, 4, 15 and 80 percent of the active customers; below them those without orders.', 'shipped'),
    ('kaism', 'grid', 'Key account identification and selection matrix of Cheverton: customer attractiveness by relative strength, cut in the middle of a scale from 1 to 10.', 'shipped'),
    ('size_potential', 'grid', 'Size by potential, each low under 4, medium under 7, high from 7 on a scale from 1 to 10.', 'shipped'),
    ('prospect', 'grid', 'Prospects: expected profit on a scale from 1 to 10 by the days until the expected signing.', 'shipped');

INSERT INTO quotetier.tier (scheme, name, rank, from_value, label_zh) VALUES
    ('abc', 'A', 1,  0, 'A类'),
    ('abc', 'B', 2, 80, 'B类'),
    ('abc', 'C', 3, 95, 'C类'),
    ('pyramid', 'top',      1,    0, '顶级客户'),
    ('pyramid', 'big',      2,    1, '大客户'),
    ('pyramid', 'medium',   3,    5, '中客户'),
    ('pyramid', 'small',    4,   20, '小客户'),
    ('pyramid', 'inactive', 5, NULL, '非活跃客户'),
    ('pyramid', 'prospect', 6, NULL, '潜在客户'),
    ('pyramid', 'suspect',  7, NULL, '可疑客户');

INSERT INTO quotetier.tier (scheme, name, rank, from_value, from_value2, label_zh) VALUES
    ('kaism', 'key',           1, 5.5,         5.5,         '关键客户'),
    ('kaism', 'development',   2, 5.5,         '-Infinity', '关键发展客户'),
    ('kaism', 'maintenance',   3, '-Infinity', 5.5,         '维持客户'),
    ('kaism', 'opportunistic', 4, '-Infinity', '-Infinity', '机会客户'),
    ('size_potential', 'high_high',     1, 7,           7,           '大规模高潜力'),
    ('size_potential', 'high_medium',   2, 7,           4,           '大规模中潜力'),
    ('size_potential', 'medium_high',   3, 4,           7,           '中规模高潜力'),
    ('size_potential', 'medium_medium', 4, 4,           4,           '中规模中潜力'),
    ('size_potential', 'high_low',      5, 7,           '-Infinity', '大规模低潜力'),
    ('size_potential', 'low_high',      6, '-Infinity', 7,           '小规模高潜力'),
    ('size_potential', 'medium_low',    7, 4,           '-Infinity', '中规模低潜力'),
    ('size_potential', 'low_medium',    8, '-Infinity', 4,           '小规模中潜力'),
    ('size_potential', 'low_low',       9, '-Infinity', '-Infinity', '小规模低潜力'),
    ('prospect', 'close',   1, 5.5,          0, '立即签约'),
    ('prospect', 'advance', 2, 5.5,         30, '重点推进'),
    ('prospect', 'nurture', 3, 5.5,         90, '长期培育'),
    ('prospect', 'quick',   4, '-Infinity',  0, '快速成交'),
    ('prospect', 'routine', 5, '-Infinity', 30, '常规跟进'),
    ('prospect', 'watch',   6, '-Infinity', 90, '保持关注');
